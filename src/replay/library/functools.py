# What the replay knows of `functools` beyond what is built in.
def cache(function):
    known = []
    counted = [0, 0]

    def cached(*args, **kwargs):
        for held, options, value in known:
            if held == args and options == kwargs:
                counted[0] += 1
                return value
        counted[1] += 1
        value = function(*args, **kwargs)
        known.append((args, kwargs, value))
        return value

    def cache_clear():
        known.clear()
        counted[0] = 0
        counted[1] = 0

    cached.cache_clear = cache_clear
    cached.cache_info = lambda: _CacheInfo(counted[0], counted[1], len(known))
    cached.__wrapped__ = function
    cached.__name__ = function.__name__
    return cached


class _CacheInfo:
    def __init__(self, hits, misses, currsize):
        self.hits = hits
        self.misses = misses
        self.currsize = currsize


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


class cached_property:
    def __init__(self, function):
        self._function = function
        self._name = function.__name__

    def __set_name__(self, owner, name):
        self._name = name

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        value = self._function(instance)
        object.__setattr__(instance, self._name, value)
        return value
