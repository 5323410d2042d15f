# What the replay knows of `concurrent.futures`: whatever is submitted runs at once, in order.
class Future:
    def __init__(self, function, args, kwargs):
        self._error = None
        self._value = None
        try:
            self._value = function(*args, **kwargs)
        except Exception as error:
            self._error = error

    def result(self, timeout=None):
        if self._error is not None:
            raise self._error
        return self._value

    def exception(self, timeout=None):
        return self._error

    def done(self):
        return True

    def cancel(self):
        return False

    def add_done_callback(self, callback):
        callback(self)


class ThreadPoolExecutor:
    def __init__(self, max_workers=None, thread_name_prefix=""):
        self._closed = False

    def submit(self, function, *args, **kwargs):
        if self._closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        return Future(function, args, kwargs)

    def map(self, function, *iterables, timeout=None):
        return iter([function(*args) for args in zip(*iterables)])

    def shutdown(self, wait=True, cancel_futures=False):
        self._closed = True

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.shutdown()
        return False


def as_completed(futures, timeout=None):
    return iter(list(futures))


def wait(futures, timeout=None):
    return set(futures), set()
