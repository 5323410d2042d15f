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


class ExitStack:
    def __init__(self):
        self._steps = []

    def enter_context(self, manager):
        value = manager.__enter__()
        self._steps.append(manager.__exit__)
        return value

    def push(self, manager):
        self._steps.append(manager.__exit__)
        return manager

    def callback(self, function, *args, **kwargs):
        def step(kind, error, trace):
            function(*args, **kwargs)
            return False

        self._steps.append(step)
        return function

    def pop_all(self):
        other = ExitStack()
        other._steps = self._steps
        self._steps = []
        return other

    def close(self):
        self.__exit__(None, None, None)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        steps = self._steps
        self._steps = []
        swallowed = False
        while steps:
            step = steps.pop()
            if step(kind, error, trace):
                kind, error, trace = None, None, None
                swallowed = True
        return swallowed
