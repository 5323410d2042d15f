# What the replay knows of `io`: texts in memory.
class StringIO:
    def __init__(self, text="", newline="\n"):
        self._text = text
        self._at = 0

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"string argument expected, got '{type(text).__name__}'")
        self._text = self._text[:self._at] + text + self._text[self._at + len(text):]
        self._at += len(text)
        return len(text)

    def getvalue(self):
        return self._text

    def read(self, size=-1):
        end = len(self._text) if size is None or size < 0 else self._at + size
        part = self._text[self._at:end]
        self._at += len(part)
        return part

    def readline(self):
        end = self._text.find("\n", self._at)
        end = len(self._text) if end < 0 else end + 1
        part = self._text[self._at:end]
        self._at = end
        return part

    def readlines(self):
        return list(self)

    def seek(self, at):
        self._at = at
        return at

    def tell(self):
        return self._at

    def close(self):
        pass

    def __iter__(self):
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None
