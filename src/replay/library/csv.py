# What the replay knows of `csv`: the default dialect, other delimiters, quotes within a line.
QUOTE_MINIMAL = 0


class Error(Exception):
    pass


def _cells(line, delimiter):
    line = line.rstrip("\r\n")
    if '"' not in line:
        return line.split(delimiter)
    cells = []
    cell = ""
    quoted = False
    at = 0
    while at < len(line):
        mark = line[at]
        if quoted:
            if mark == '"' and line[at + 1:at + 2] == '"':
                cell += '"'
                at += 1
            elif mark == '"':
                quoted = False
            else:
                cell += mark
        elif mark == '"':
            quoted = True
        elif mark == delimiter:
            cells.append(cell)
            cell = ""
        else:
            cell += mark
        at += 1
    if quoted:
        __unknown__()
    cells.append(cell)
    return cells


def reader(lines, delimiter=","):
    if isinstance(lines, str):
        __unknown__()
    return iter([[] if not line.rstrip("\r\n") else _cells(line, delimiter) for line in lines])


class DictReader:
    def __init__(self, lines, fieldnames=None, delimiter=","):
        self._rows = [row for row in reader(lines, delimiter) if row]
        self.fieldnames = list(fieldnames) if fieldnames else (self._rows.pop(0) if self._rows else None)

    def __iter__(self):
        return self

    def __next__(self):
        if not self._rows:
            raise StopIteration
        row = self._rows.pop(0)
        made = {}
        for at, name in enumerate(self.fieldnames):
            made[name] = row[at] if at < len(row) else None
        if len(row) > len(self.fieldnames):
            made[None] = row[len(self.fieldnames):]
        return made


class writer:
    def __init__(self, target, delimiter=",", lineterminator="\r\n"):
        self._target = target
        self._delimiter = delimiter
        self._end = lineterminator

    def writerow(self, row):
        cells = []
        for value in row:
            text = "" if value is None else str(value)
            if self._delimiter in text or '"' in text or "\n" in text:
                text = '"' + text.replace('"', '""') + '"'
            cells.append(text)
        return self._target.write(self._delimiter.join(cells) + self._end)

    def writerows(self, rows):
        for row in rows:
            self.writerow(row)


class DictWriter:
    def __init__(self, target, fieldnames, restval="", extrasaction="raise", delimiter=",", lineterminator="\r\n"):
        self.fieldnames = fieldnames
        self._extra = extrasaction
        self._rest = restval
        self._writer = writer(target, delimiter, lineterminator)

    def writeheader(self):
        self._writer.writerow(self.fieldnames)

    def writerow(self, row):
        if self._extra == "raise":
            wrong = [name for name in row if name not in self.fieldnames]
            if wrong:
                raise ValueError("dict contains fields not in fieldnames: " + ", ".join(repr(name) for name in wrong))
        self._writer.writerow([row.get(name, self._rest) for name in self.fieldnames])

    def writerows(self, rows):
        for row in rows:
            self.writerow(row)
