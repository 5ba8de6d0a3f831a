"""Somebody else's site that has `<face-search>` in its page: another origin, with a strict CSP of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class ForeignSite:
    """A server of pages: path → HTML, or a script where the path ends so."""

    url: str
    pages: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def serve(self, html: str, *, csp: str, **files: str) -> str:
        """Show this page, with scripts beside it by their names; its address."""
        self.headers = {"Content-Security-Policy": csp}
        self.pages = {"/": html} | {f"/{name}.js": text for name, text in files.items()}
        return f"{self.url}/"


@contextmanager
def foreign_site() -> Iterator[ForeignSite]:
    """A site on a free port for as long as the block takes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = site.pages.get(self.path)
            self.send_response(404 if text is None else 200)
            self.send_header("Content-Type", "text/javascript" if self.path.endswith(".js") else "text/html")
            for name, value in site.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write((text or "").encode())

        def log_message(self, *_: object) -> None:
            """Nothing: what was asked is no news."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site = ForeignSite(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
