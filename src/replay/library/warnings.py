# What the replay knows of `warnings`: they are collected where somebody asks for them, and dropped elsewhere.
_COLLECTED = []


class _Message:
    def __init__(self, message, category):
        self.message = message
        self.category = category


def warn(message, category=None, stacklevel=1, source=None):
    if isinstance(message, Warning):
        category = type(message)
    else:
        category = category or UserWarning
        message = category(message)
    for collected in _COLLECTED:
        collected.append(_Message(message, category))


def simplefilter(action, category=None, lineno=0, append=False):
    if action == "error":
        __unknown__()


def filterwarnings(action, message="", category=None, module="", lineno=0, append=False):
    if action == "error":
        __unknown__()


class catch_warnings:
    def __init__(self, record=False):
        self._found = [] if record else None

    def __enter__(self):
        if self._found is not None:
            _COLLECTED.append(self._found)
        return self._found

    def __exit__(self, *exc):
        if self._found is not None:
            _COLLECTED.pop()
