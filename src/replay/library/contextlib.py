# What the replay knows of `contextlib` beyond what is built in.
class nullcontext:
    def __init__(self, value=None):
        self._value = value

    def __enter__(self):
        return self._value

    def __exit__(self, *exc):
        return None


class closing:
    def __init__(self, thing):
        self._thing = thing

    def __enter__(self):
        return self._thing

    def __exit__(self, *exc):
        self._thing.close()


class AbstractContextManager:
    def __enter__(self):
        return self
