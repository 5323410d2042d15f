# What the replay knows of `asyncio` beyond what is built in. Whatever is started runs to its end at once.
class CancelledError(BaseException):
    pass


class QueueEmpty(Exception):
    pass


class QueueFull(Exception):
    pass


class Task:
    def __init__(self, coroutine, name=None):
        self._error = None
        self._value = None
        try:
            self._value = __run__(coroutine)
        except Exception as error:
            self._error = error

    def __awaited__(self):
        return self.result()

    def result(self):
        if self._error is not None:
            raise self._error
        return self._value

    def exception(self):
        return self._error

    def done(self):
        return True

    def cancel(self):
        return False

    def cancelled(self):
        return False


def create_task(coroutine, name=None):
    return Task(coroutine)


def ensure_future(coroutine):
    return Task(coroutine)


async def wait_for(thing, timeout=None):
    return await thing


class TaskGroup:
    def __init__(self):
        self._tasks = []

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, trace):
        errors = [task._error for task in self._tasks if task._error is not None]
        if errors and kind is None:
            raise ExceptionGroup("unhandled errors in a TaskGroup", errors)
        return False

    def create_task(self, coroutine, name=None):
        task = Task(coroutine)
        self._tasks.append(task)
        return task


class Lock:
    def __init__(self):
        self._locked = False

    def locked(self):
        return self._locked

    async def acquire(self):
        if self._locked:
            __unknown__()
        self._locked = True
        return True

    def release(self):
        if not self._locked:
            raise RuntimeError("Lock is not acquired.")
        self._locked = False

    async def __aenter__(self):
        await self.acquire()

    async def __aexit__(self, *exc):
        self.release()


class Semaphore:
    def __init__(self, value=1):
        self._value = value

    def locked(self):
        return self._value == 0

    async def acquire(self):
        if self._value <= 0:
            __unknown__()
        self._value -= 1
        return True

    def release(self):
        self._value += 1

    async def __aenter__(self):
        await self.acquire()

    async def __aexit__(self, *exc):
        self.release()


BoundedSemaphore = Semaphore


class Event:
    def __init__(self):
        self._set = False

    def is_set(self):
        return self._set

    def set(self):
        self._set = True

    def clear(self):
        self._set = False

    async def wait(self):
        if not self._set:
            __unknown__()
        return True


class Queue:
    def __init__(self, maxsize=0):
        self.maxsize = maxsize
        self._items = []

    def qsize(self):
        return len(self._items)

    def empty(self):
        return not self._items

    def full(self):
        return 0 < self.maxsize <= len(self._items)

    def put_nowait(self, item):
        if self.full():
            raise QueueFull()
        self._items.append(item)

    async def put(self, item):
        if self.full():
            __unknown__()
        self._items.append(item)

    def get_nowait(self):
        if not self._items:
            raise QueueEmpty()
        return self._items.pop(0)

    async def get(self):
        if not self._items:
            __unknown__()
        return self._items.pop(0)

    def task_done(self):
        pass

    async def join(self):
        pass
