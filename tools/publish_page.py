"""The end of `make deploy`: shows the guests' page, where there is a build of it and a stack that shows pages."""

import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facesearch.admin.page import TEMPLATE
from facesearch_cli import interrupts
from facesearch_cli.app import run
from facesearch_cli.errors import CommandError
from facesearch_cli.stack import open_stack

DIST = Path(__file__).resolve().parent.parent / "web" / "dist"


def deployed(samconfig: Mapping[str, Any], config: str) -> dict[str, str]:
    """What `sam deploy` takes for a deployment of that name: `stack_name`, and `region` if the file names one."""
    sections = [samconfig.get("default", {}), samconfig.get(config, {})]
    given = [section.get(command, {}).get("parameters", {}) for section in sections for command in ("global", "deploy")]
    merged = {name: str(value) for each in given for name, value in each.items()}
    return {name: merged[name] for name in ("stack_name", "region") if name in merged}


def main() -> int:
    """Of `samconfig.toml CONFIG`; the exit code. Nothing to publish is no failure."""
    path, config = sys.argv[1:]
    target = deployed(tomllib.loads(Path(path).read_text()), config)
    stack = target.get("stack_name", "")
    publish = f"facesearch --stack {stack or 'NAME'} page publish"
    if not stack or not (DIST / TEMPLATE).is_file():
        print(f"The guests' page was not published. To show it: make web, then {publish}")
        return 0
    if "region" in target:
        os.environ["AWS_REGION"] = target["region"]
    try:
        if open_stack(stack).container.page_hosts is None:
            print("This stack shows no guests' page, for it has no CloudFront.")
            return 0
    except CommandError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return run(["--stack", stack, "page", "publish", "--dist", str(DIST)])


if __name__ == "__main__":
    sys.exit(interrupts.run(main))
