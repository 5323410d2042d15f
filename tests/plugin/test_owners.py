"""Streams hold what tests compared and printed: they are their owner's, and git does not see them."""

import os
import subprocess

import pytest
from support import pytest_of, run


@pytest.mark.skipif(os.name == "nt", reason="Windows knows owners, but not these modes")
@pytest.mark.parametrize("removes", ["nothing", "the file", "the folder"])
def test_streams_are_their_owners(removes, tmp_path):
    gone = {
        "nothing": "",
        "the file": "    [path.unlink() for path in pathlib.Path('.failscope/runs').iterdir()]\n",
        "the folder": "    shutil.rmtree('.failscope/runs')\n",
    }
    (tmp_path / "test_it.py").write_text(
        "import pathlib, shutil\n\ndef test_it():\n%s    assert 'hunter2' == ''\n" % gone[removes]
    )
    runs = tmp_path / ".failscope" / "runs"
    # One that an earlier version has made.
    runs.mkdir(parents=True, mode=0o755)
    mask = os.umask(0)
    try:
        ran = run(pytest_of("pytest9"), tmp_path, "--failscope", FAILSCOPE_BIN="/nowhere")
    finally:
        os.umask(mask)
    assert b"hunter2" in ran.streams[0].read_bytes()
    assert [oct(path.stat().st_mode & 0o777) for path in (runs, ran.streams[0])] == ["0o700", "0o600"]
    assert (runs.parent / ".gitignore").read_text() == "*\n"
    # Git sees none of it.
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    seen = subprocess.run(["git", "status", "--porcelain", "-uall"], cwd=tmp_path, check=True, stdout=subprocess.PIPE)
    assert ".failscope" not in seen.stdout.decode()
