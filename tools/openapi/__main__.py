"""`python -m tools.openapi`: write docs/openapi.json."""

import os
import sys

from facesearch_cli import interrupts
from tools.openapi import FILE, text


def main() -> None:
    """Write it."""
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text(), encoding="utf-8")
    print(f"Wrote {os.path.relpath(FILE)}")


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
