"""The bill of materials names what runs in the guests' browsers."""

import json
import re
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools import sbom

PACKAGE = json.loads((ROOT / "web" / "package.json").read_text())
LOCKED = json.loads(sbom.LOCK.read_text())
OURS = {"bom-ref": "requirements-L1", "name": "boto3", "type": "library"}
BILL = {"bomFormat": "CycloneDX", "components": [OURS], "dependencies": [{"ref": "requirements-L1"}]}


def test_the_page_s_packages_and_what_they_bring_are_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "sbom.json"
    file.write_text(json.dumps(BILL))
    monkeypatch.setattr(sys, "argv", ["sbom", str(file)])
    sbom.main()
    bill = json.loads(file.read_text())
    first, *added = bill["components"]
    assert (bill["bomFormat"], first, bill["dependencies"][0]) == ("CycloneDX", OURS, BILL["dependencies"][0])
    purls = {each["purl"] for each in added}
    for name, version in PACKAGE["dependencies"].items():
        assert f"pkg:npm/{name}@{version}" in purls
    assert any(purl.startswith("pkg:npm/%40lit/reactive-element@") for purl in purls), "lit brings it"
    assert not [purl for purl in purls if re.match("pkg:npm/(vite|typescript|axe-core)@", purl)], "they only build"
    needs = {each["ref"]: set(each.get("dependsOn", [])) for each in bill["dependencies"]}
    assert needs.keys() == {each["bom-ref"] for each in bill["components"]}
    assert set().union(*needs.values()) <= purls
    assert len(purls) == len(added)


def test_each_is_told_apart_by_scope_version_licence_and_hash() -> None:
    package = {"version": "2.1.2", "license": "BSD-3-Clause", "integrity": "sha512-AAEC/w=="}
    told = sbom.component("@lit/reactive-element", package)
    assert (told["group"], told["name"], told["version"]) == ("@lit", "reactive-element", "2.1.2")
    assert told["purl"] == told["bom-ref"] == "pkg:npm/%40lit/reactive-element@2.1.2"
    assert told["licenses"] == [{"license": {"id": "BSD-3-Clause"}}]
    assert told["hashes"] == [{"alg": "SHA-512", "content": "000102ff"}]
    assert "group" not in sbom.component("lit", package)


def test_two_versions_of_one_package_are_refused() -> None:
    nested = {"node_modules/lit/node_modules/lit-html": {"version": "1.0.0"}}
    with pytest.raises(ValueError, match="lit-html"):
        sbom.at_run_time({"packages": LOCKED["packages"] | nested})
