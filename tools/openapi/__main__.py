"""`python -m tools.openapi`: write docs/openapi.json."""

import os

from tools.openapi import FILE, text

if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text(), encoding="utf-8")
    print(f"Wrote {os.path.relpath(FILE)}")
