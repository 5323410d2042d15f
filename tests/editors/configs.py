"""Configurations of editors that cannot be had here: that they parse, and hold what the editors' manuals ask for. Needs
npm for coc.nvim's own reader of settings, and cargo for Zed's extension."""

import json
import pathlib
import re
import subprocess
import sys
import tomllib

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
EDITORS = TOP / "editors"
MARKERS = ["pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg", "setup.py"]


def text(path):
    return (EDITORS / path).read_text()


def kate():
    (name, server), = json.loads(text("kate/lspclient.json"))["servers"].items()
    assert name == "python" and re.search(server["highlightingModeRegex"], "Python")
    return server["command"], server["rootIndicationFileNames"]


def coc():
    """What coc.nvim itself makes of the settings: its npm package has the part that reads them, not the part for Vim."""
    folder = TOP / "target/coc"
    if not (folder / "node_modules/coc.nvim").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        install = ["npm", "install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "coc.nvim@0.0.71"]
        if subprocess.run(install).returncode:
            subprocess.run(install, check=True)
    server = json.loads(text("vim/coc-settings.json"))["languageserver"]["failscope"]
    assert set(server) <= {"command", "args", "filetypes", "rootPatterns", "settings"}, server
    program = (
        "console.error = () => {}; const { getLanguageServerOptions: read } = require('coc.nvim/lib/services');"
        "process.stdout.write('\\n' + JSON.stringify(read('languageserver.failscope', 'failscope', JSON.parse(process.argv[1]))))"
    )
    done = subprocess.run(["node", "-e", program, json.dumps(server)], cwd=folder, capture_output=True, text=True, check=True)
    client, start = json.loads(done.stdout.splitlines()[-1])
    assert {"language": "python", "scheme": "file"} in client["documentSelector"], client
    return [start["command"], *start["args"]], server["rootPatterns"]


# What Sublime's LSP package takes as a client, by its own schema of the settings (`sublime-package.json` in its
# repository): other keys it refuses, and those for a client's languages (`languages`, `languageId`, `document_selector`, …)
# it calls deprecated in favour of `selector`.
SUBLIME_CLIENT = {
    "enabled": bool, "command": [str], "selector": str, "priority_selector": str, "schemes": [str], "settings": dict,
    "initializationOptions": dict, "experimental_capabilities": dict, "disabled_capabilities": dict, "env": dict,
    "file_watcher": dict, "diagnostics_mode": str, "auto_complete_selector": str, "tcp_port": int,
}


def refused_by_sublime(client):
    """The keys of a client that the package does not take, or not with such a value."""
    def fits(value, kind):
        if isinstance(kind, list):
            return isinstance(value, list) and all(isinstance(item, kind[0]) for item in value)
        return isinstance(value, kind)
    return [key for key, value in client.items() if key not in SUBLIME_CLIENT or not fits(value, SUBLIME_CLIENT[key])]


def sublime():
    lines = [line for line in text("sublime/LSP.sublime-settings").splitlines() if not line.startswith("//")]
    settings = json.loads("\n".join(lines))
    assert list(settings) == ["clients"] and list(settings["clients"]) == ["failscope"], settings
    server = settings["clients"]["failscope"]
    assert not refused_by_sublime(server), refused_by_sublime(server)
    for key, wrong in {"languageId": "python", "command": "failscope lsp", "selector": ["source.python"], "enabled": "yes"}.items():
        assert refused_by_sublime({**server, key: wrong}) == [key], key
    assert server["enabled"] and server["selector"] == "source.python"
    return server["command"], MARKERS


# The fields of Zed's own type for `extension.toml` (`ExtensionManifest`) that concern a language server.
ZED_MANIFEST = {"id", "name", "version", "schema_version", "description", "repository", "authors", "lib", "language_servers"}
ZED_SERVER = {"name", "languages", "language_ids", "code_action_kinds"}


def zed():
    manifest = tomllib.loads(text("zed/extension.toml"))
    assert {"id", "name", "version", "schema_version", "authors", "description", "repository"} <= set(manifest) <= ZED_MANIFEST
    assert manifest["schema_version"] == 1 and re.fullmatch(r"https://\S+", manifest["repository"])
    (name, server), = manifest["language_servers"].items()
    assert name == manifest["id"] == "failscope" and set(server) <= ZED_SERVER and server["languages"] == ["Python"], server
    crate = tomllib.loads(text("zed/Cargo.toml"))
    assert crate["lib"]["crate-type"] == ["cdylib"] and crate["package"]["version"] == manifest["version"]
    # For the machine that this runs on: the target that Zed asks for (wasm32) need not be installed.
    check = ["cargo", "check", "--quiet", "--locked", "--manifest-path", EDITORS / "zed/Cargo.toml", "--target-dir", TOP / "target/zed"]
    subprocess.run(check, check=True)
    source = text("zed/src/lib.rs")
    return [*re.findall(r'which\("(\w+)"\)', source), *re.findall(r'vec!\["(\w+)"', source)], MARKERS


failed = 0
checks = [kate, coc, sublime, zed]
for check in checks:
    try:
        command, markers = check()
        assert command == ["failscope", "lsp"], command
        assert set(MARKERS) <= set(markers), markers
    except (AssertionError, ValueError, KeyError, subprocess.SubprocessError) as error:
        failed += 1
        print(f"FAILED {check.__name__}: {error!r}")
print(f"Configurations: {len(checks) - failed} passed, {failed} failed")
sys.exit(1 if failed else 0)
