"""Configurations of editors that cannot be had here: that they parse, and hold what the editors' manuals ask for."""

import json
import pathlib
import re
import sys
import tomllib

EDITORS = pathlib.Path(__file__).parent.parent.parent / "editors"
MARKERS = ["pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg", "setup.py"]


def text(path):
    return (EDITORS / path).read_text()


def kate():
    (name, server), = json.loads(text("kate/lspclient.json"))["servers"].items()
    allowed = {"command", "rootIndicationFileNames", "settings", "url", "highlightingModeRegex"}
    assert name == "python" and set(server) <= allowed, server
    assert re.search(server["highlightingModeRegex"], "Python")
    return server["command"], server["rootIndicationFileNames"]


def coc():
    server = json.loads(text("vim/coc-settings.json"))["languageserver"]["failscope"]
    assert set(server) <= {"command", "args", "filetypes", "rootPatterns", "settings"}, server
    return [server["command"], *server["args"]], server["rootPatterns"]


def sublime():
    lines = [line for line in text("sublime/LSP.sublime-settings").splitlines() if not line.startswith("//")]
    server = json.loads("\n".join(lines))["clients"]["failscope"]
    assert set(server) <= {"enabled", "command", "selector", "settings", "initializationOptions"}, server
    assert server["selector"] == "source.python"
    return server["command"], MARKERS


def zed():
    manifest = tomllib.loads(text("zed/extension.toml"))
    assert {"id", "name", "version", "schema_version", "authors", "description", "repository"} <= set(manifest)
    assert manifest["language_servers"]["failscope"]["languages"] == ["Python"]
    crate = tomllib.loads(text("zed/Cargo.toml"))
    assert crate["lib"]["crate-type"] == ["cdylib"] and crate["package"]["version"] == manifest["version"]
    source = text("zed/src/lib.rs")
    return [*re.findall(r'which\("(\w+)"\)', source), *re.findall(r'vec!\["(\w+)"', source)], MARKERS


failed = 0
checks = [kate, coc, sublime, zed]
for check in checks:
    try:
        command, markers = check()
        assert command == ["failscope", "lsp"], command
        assert set(MARKERS) <= set(markers), markers
    except (AssertionError, ValueError, KeyError) as error:
        failed += 1
        print(f"FAILED {check.__name__}: {error!r}")
print(f"Configurations: {len(checks) - failed} passed, {failed} failed")
sys.exit(1 if failed else 0)
