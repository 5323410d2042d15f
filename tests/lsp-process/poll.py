"""`failscope lsp --poll 1` finds results that come and go without being told of any change.  usage: poll.py BINARY"""

import pathlib
import random
import sys
import tempfile

from soak import SOURCE, TEST, Client, result_file


class Listener(Client):
    seen = None

    def heard(self, message):
        if message["method"] == "textDocument/publishDiagnostics" and message["params"]["uri"].endswith("/shop.py"):
            self.seen = message["params"]["diagnostics"]


binary = pathlib.Path(sys.argv[1]).resolve()
with tempfile.TemporaryDirectory(prefix="failscope-poll.") as folder:
    root = pathlib.Path(folder)
    for name, text in (("pyproject.toml", ""), ("shop.py", SOURCE), ("test_shop.py", TEST)):
        (root / name).write_text(text)
    client = Listener(binary, root, 1, "--poll", "1")
    client.answered(client.request("workspace/executeCommand", {"command": "failscope.analyze"}))
    assert not client.seen, client.seen
    (root / "report.new").write_text(result_file(random.Random(1)))
    (root / "report.new").rename(root / "report.xml")
    while not client.seen:
        client.read()
    count = len(client.seen)
    (root / "report.xml").unlink()
    while client.seen:
        client.read()
    assert client.end() == 0
print(f"polling: {count} findings came and went; 1 passed, 0 failed")
