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
