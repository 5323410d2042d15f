"""Starts llmock on a free port, prints its address, and runs until standard input ends."""

import sys

from llmock.testing import LLMockServer

with LLMockServer() as server:
    print(server.base_url("openai").split("/")[2], flush=True)
    sys.stdin.read()
