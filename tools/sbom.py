"""The end of `make sbom`: adds what runs in the guests' browsers to the bill of materials, out of npm's lock file."""

import base64
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LOCK = Path(__file__).resolve().parent.parent / "web" / "package-lock.json"
FOLDER = "node_modules/"
Packages = Mapping[str, Any]


def at_run_time(lock: Mapping[str, Any]) -> dict[str, Any]:
    """The lock's packages by their names: all but the page itself and what only builds it."""
    packages = {key.removeprefix(FOLDER): each for key, each in lock["packages"].items() if key and "dev" not in each}
    nested = [name for name in packages if FOLDER in name]
    if nested:  # two versions of one package, which its name does not tell apart
        raise ValueError(f"{LOCK.name}: {nested[0]} lies in another package")
    return packages


def purl(name: str, package: Packages) -> str:
    return f"pkg:npm/{name.replace('@', '%40')}@{package['version']}"


def component(name: str, package: Packages) -> dict[str, Any]:
    """A package as CycloneDX has it. npm's integrity is the archive's SHA-512, in base64."""
    scope, _, own_name = name.rpartition("/")
    digest = base64.b64decode(package["integrity"].removeprefix("sha512-")).hex()
    return {
        "bom-ref": purl(name, package),
        **({"group": scope} if scope else {}),
        "hashes": [{"alg": "SHA-512", "content": digest}],
        "licenses": [{"license": {"id": package["license"]}}],
        "name": own_name,
        "purl": purl(name, package),
        "type": "library",
        "version": package["version"],
    }


def with_page(bill: Mapping[str, Any], lock: Mapping[str, Any]) -> dict[str, Any]:
    """The bill of materials, and the page's packages with what each needs."""
    packages = at_run_time(lock)
    refs = {name: purl(name, package) for name, package in packages.items()}
    needs = [
        {"ref": refs[name], "dependsOn": sorted(refs[each] for each in package.get("dependencies", {}))}
        for name, package in packages.items()
    ]
    return {
        **bill,
        "components": [*bill["components"], *(component(*each) for each in packages.items())],
        "dependencies": [*bill["dependencies"], *needs],
    }


def main() -> None:
    """Of the file that is named."""
    path = Path(sys.argv[1])
    bill = with_page(json.loads(path.read_text()), json.loads(LOCK.read_text()))
    path.write_text(json.dumps(bill, indent=2) + "\n")


if __name__ == "__main__":
    main()
