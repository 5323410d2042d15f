# What the replay knows of `itertools`; endless ones are objects that make one item at a time.
class count:
    def __init__(self, start=0, step=1):
        self._next = start
        self._step = step

    def __iter__(self):
        return self

    def __next__(self):
        value = self._next
        self._next = value + self._step
        return value


class cycle:
    def __init__(self, iterable):
        self._items = list(iterable)
        self._at = 0

    def __iter__(self):
        return self

    def __next__(self):
        if not self._items:
            raise StopIteration
        value = self._items[self._at % len(self._items)]
        self._at += 1
        return value


class repeat:
    def __init__(self, value, times=None):
        self._value = value
        self._left = times

    def __iter__(self):
        return self

    def __next__(self):
        if self._left is not None:
            if self._left <= 0:
                raise StopIteration
            self._left -= 1
        return self._value


def islice(iterable, *bounds):
    if len(bounds) == 1:
        start, stop, step = 0, bounds[0], 1
    else:
        start, stop, step = bounds[0] or 0, bounds[1], bounds[2] if len(bounds) > 2 else 1
    made = []
    iterator = iter(iterable)
    at = 0
    while stop is None or at < stop:
        item = next(iterator, __unknown__)
        if item is __unknown__:
            break
        if at >= start and (at - start) % (step or 1) == 0:
            made.append(item)
        at += 1
    return iter(made)


def takewhile(test, iterable):
    made = []
    for item in iterable:
        if not test(item):
            break
        made.append(item)
    return iter(made)


def dropwhile(test, iterable):
    made = []
    dropping = True
    for item in iterable:
        dropping = dropping and test(item)
        if not dropping:
            made.append(item)
    return iter(made)


def filterfalse(test, iterable):
    return iter([item for item in iterable if not (test(item) if test else item)])


def compress(items, selectors):
    return iter([item for item, chosen in zip(items, selectors) if chosen])


def starmap(function, iterable):
    return iter([function(*args) for args in iterable])


def groupby(iterable, key=None):
    groups = []
    for item in iterable:
        mark = item if key is None else key(item)
        if groups and groups[-1][0] == mark:
            groups[-1][1].append(item)
        else:
            groups.append((mark, [item]))
    return iter([(mark, iter(items)) for mark, items in groups])


def product(*iterables, repeat=1):
    made = [()]
    for pool in [list(iterable) for iterable in iterables] * repeat:
        made = [row + (item,) for row in made for item in pool]
    return iter(made)


def permutations(iterable, length=None):
    pool = list(iterable)
    length = len(pool) if length is None else length
    made = [()]
    for _ in range(length):
        made = [row + (at,) for row in made for at in range(len(pool)) if at not in row]
    return iter([tuple(pool[at] for at in row) for row in made])


def combinations(iterable, length):
    pool = list(iterable)
    made = [()]
    for _ in range(length):
        made = [row + (at,) for row in made for at in range((row[-1] + 1) if row else 0, len(pool))]
    return iter([tuple(pool[at] for at in row) for row in made])


def combinations_with_replacement(iterable, length):
    pool = list(iterable)
    made = [()]
    for _ in range(length):
        made = [row + (at,) for row in made for at in range(row[-1] if row else 0, len(pool))]
    return iter([tuple(pool[at] for at in row) for row in made])


def zip_longest(*iterables, fillvalue=None):
    columns = [list(iterable) for iterable in iterables]
    longest = max([len(column) for column in columns], default=0)
    return iter([tuple(column[at] if at < len(column) else fillvalue for column in columns) for at in range(longest)])


def tee(iterable, n=2):
    items = list(iterable)
    return tuple(iter(items) for _ in range(n))


def batched(iterable, n):
    items = list(iterable)
    return iter([tuple(items[at:at + n]) for at in range(0, len(items), n)])


def accumulate(iterable, function=None, *, initial=None):
    made = [] if initial is None else [initial]
    for item in iterable:
        if not made:
            made.append(item)
        elif function is None:
            made.append(made[-1] + item)
        else:
            made.append(function(made[-1], item))
    return iter(made)
