"""Where the `facesearch` command begins: with nothing imported that takes time."""

import signal


def main() -> None:
    """Run the command line. Ctrl-C while the commands are imported, 1.6 s, just ends it, as it ends any program."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from tools.cli import app

    signal.signal(signal.SIGINT, signal.default_int_handler)
    app.main()
