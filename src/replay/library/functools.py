# What the replay knows of `functools` beyond what is built in.
def cache(function):
    known = []

    def cached(*args, **kwargs):
        for held, options, value in known:
            if held == args and options == kwargs:
                return value
        value = function(*args, **kwargs)
        known.append((args, kwargs, value))
        return value

    return cached


def lru_cache(maxsize=128, typed=False):
    if callable(maxsize):
        return cache(maxsize)
    return cache


def total_ordering(cls):
    if hasattr(cls, "__lt__"):
        less = cls.__lt__
        if not hasattr(cls, "__gt__"):
            setattr(cls, "__gt__", lambda self, other: not less(self, other) and self != other)
        if not hasattr(cls, "__le__"):
            setattr(cls, "__le__", lambda self, other: less(self, other) or self == other)
        if not hasattr(cls, "__ge__"):
            setattr(cls, "__ge__", lambda self, other: not less(self, other))
    return cls


def cmp_to_key(compare):
    class Key:
        def __init__(self, value):
            self.value = value

        def __lt__(self, other):
            return compare(self.value, other.value) < 0

        def __gt__(self, other):
            return compare(self.value, other.value) > 0

        def __eq__(self, other):
            return compare(self.value, other.value) == 0

    return Key
