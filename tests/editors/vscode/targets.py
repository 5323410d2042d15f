"""One VSIX for each platform: `node package.mjs BINARY [TARGET]` with binaries that have nothing but the platform's header.

usage: targets.py    (in a checkout whose editors/vscode has its packages)
"""

import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import zipfile

FOLDER = pathlib.Path(__file__).resolve().parent.parent.parent.parent / "editors/vscode"
# ELF (machine at 18), Mach-O (cpu at 4) and PE (machine behind the header that 0x3c points to).
ELF = lambda machine: b"\x7fELF".ljust(18, b"\0") + struct.pack("<H", machine)  # noqa: E731
MACHO = lambda cpu: struct.pack("<II", 0xFEEDFACF, cpu)  # noqa: E731
PE = lambda machine: b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40) + b"PE\0\0" + struct.pack("<H", machine)  # noqa: E731
ROWS = [
    (ELF(62), None, "linux-x64", "failscope"),
    (ELF(183), None, "linux-arm64", "failscope"),
    (ELF(62), "alpine-x64", "alpine-x64", "failscope"),
    (MACHO(0x01000007), None, "darwin-x64", "failscope"),
    (MACHO(0x0100000C), None, "darwin-arm64", "failscope"),
    (PE(0x8664), None, "win32-x64", "failscope.exe"),
    (ELF(62), "darwin-x64", None, None),
    (PE(0x14C), None, None, None),
    (b"#!/bin/sh\n", None, None, None),
]
EXPECTED = {
    "extension.vsixmanifest", "[Content_Types].xml", "extension/package.json", "extension/icon.png",
    "extension/dist/extension.js", "extension/readme.md", "extension/changelog.md", "extension/LICENSE.txt",
    "extension/media/install.md", "extension/media/run.md", "extension/media/read.md", "extension/media/fix.md",
}  # fmt: skip

failures = []
for header, wanted, target, name in ROWS:
    with tempfile.TemporaryDirectory() as work:
        binary = pathlib.Path(work) / "binary"
        binary.write_bytes(header.ljust(5000, b"\0"))
        vsix = FOLDER / "failscope.vsix"
        vsix.unlink(missing_ok=True)
        command = ["node", "package.mjs", binary, *([wanted] if wanted else [])]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True)
        what = f"{header[:4]!r} as {wanted or 'what it is'}"
        if target is None:
            if done.returncode == 0 or vsix.exists():
                failures.append(f"{what} is packaged")
            continue
        if done.returncode:
            failures.append(f"{what}: {done.stderr[-500:]}")
            continue
        with zipfile.ZipFile(vsix) as archive:
            names = set(archive.namelist())
            if names != EXPECTED | {f"extension/bin/{name}"}:
                failures.append(f"{what} holds {sorted(names)}")
                continue
            manifest = archive.read("extension.vsixmanifest").decode()
            found = re.search(r'TargetPlatform="([^"]+)"', manifest)
            if not found or found[1] != target:
                failures.append(f"{what} is for {found and found[1]}")
            mode = archive.getinfo(f"extension/bin/{name}").external_attr >> 16
            if not mode & 0o100:
                failures.append(f"{what}: the binary cannot be executed ({mode:o})")
            for part in ("Microsoft.VisualStudio.Services.Icons.Default", "Services.Content.Details", "Services.Content.Changelog", "Testing"):
                if part not in manifest:
                    failures.append(f"{what}: the gallery's {part} is missing")
            package = json.loads(archive.read("extension/package.json"))
            missing = [key for key in ("displayName", "description", "icon", "categories", "keywords", "license") if not package.get(key)]
            if missing or "walkthroughs" not in package["contributes"]:
                failures.append(f"{what}: package.json has no {missing}")
        # All but the binary; what bundling forgets to leave out (packages, sources, tests) makes it much larger.
        if vsix.stat().st_size > 1_000_000:
            failures.append(f"{what} has {vsix.stat().st_size} bytes")
# Without arguments the release build is made and packaged: here by a cargo that is none.
with tempfile.TemporaryDirectory() as work:
    cargo = pathlib.Path(work) / "bin/cargo"
    cargo.parent.mkdir()
    (pathlib.Path(work) / "made").write_bytes(ELF(62).ljust(5000, b"\0"))
    cargo.write_text(f'#!/bin/sh\necho "$@" >{work}/asked\nmkdir -p {work}/target/release\ncp {work}/made {work}/target/release/failscope\n')
    cargo.chmod(0o755)
    (FOLDER / "failscope.vsix").unlink(missing_ok=True)
    environment = {**os.environ, "PATH": f"{cargo.parent}{os.pathsep}{os.environ['PATH']}", "CARGO_TARGET_DIR": f"{work}/target"}
    done = subprocess.run(["node", "package.mjs"], cwd=FOLDER, capture_output=True, text=True, env=environment)
    asked = pathlib.Path(work) / "asked"
    if done.returncode or not asked.exists() or not asked.read_text().startswith("build --release"):
        failures.append(f"without arguments: {done.stderr[-500:]}")
    else:
        with zipfile.ZipFile(FOLDER / "failscope.vsix") as archive:
            if archive.read("extension/bin/failscope")[:4] != b"\x7fELF":
                failures.append("without arguments: it holds another binary")
for failure in failures:
    print("FAILED", failure)
print(f"VSIX by platform: {1 + len(ROWS) - len(failures)} passed, {len(failures)} failed")
sys.exit(1 if failures else 0)
