# What the replay knows of `datetime`. `__unknown__()` ends a replay.
MINYEAR = 1
MAXYEAR = 9999
_BEFORE = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_MONTHS = ["", "January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December"]


def _leap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _month_days(year, month):
    if month == 2:
        return 29 if _leap(year) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _ordinal(year, month, day):
    past = year - 1
    extra = 1 if month > 2 and _leap(year) else 0
    return past * 365 + past // 4 - past // 100 + past // 400 + _BEFORE[month] + extra + day


def _from_ordinal(n):
    year = n * 400 // 146097 + 1
    while _ordinal(year, 1, 1) > n:
        year -= 1
    while _ordinal(year + 1, 1, 1) <= n:
        year += 1
    rest = n - _ordinal(year, 1, 1)
    month = 1
    while rest >= _month_days(year, month):
        rest -= _month_days(year, month)
        month += 1
    return year, month, rest + 1


def _checked(year, month, day):
    if not isinstance(year, int) or not isinstance(month, int) or not isinstance(day, int):
        raise TypeError("an integer is required")
    if not 1 <= year <= 9999:
        raise ValueError(f"year {year} is out of range")
    if not 1 <= month <= 12:
        raise ValueError("month must be in 1..12")
    if not 1 <= day <= _month_days(year, month):
        raise ValueError("day is out of range for month")


class timedelta:
    def __init__(self, days=0, seconds=0, microseconds=0, milliseconds=0, minutes=0, hours=0, weeks=0):
        whole = days * 86400 + weeks * 604800 + hours * 3600 + minutes * 60 + seconds
        self._us = round(whole * 1000000) + round(milliseconds * 1000) + round(microseconds)

    @property
    def days(self):
        return self._us // 86400000000

    @property
    def seconds(self):
        return self._us % 86400000000 // 1000000

    @property
    def microseconds(self):
        return self._us % 1000000

    def total_seconds(self):
        return self._us / 1000000

    def __add__(self, other):
        if isinstance(other, timedelta):
            return timedelta(microseconds=self._us + other._us)
        return NotImplemented

    def __radd__(self, other):
        return NotImplemented

    def __sub__(self, other):
        if isinstance(other, timedelta):
            return timedelta(microseconds=self._us - other._us)
        return NotImplemented

    def __mul__(self, other):
        if isinstance(other, (int, float)):
            return timedelta(microseconds=self._us * other)
        return NotImplemented

    def __rmul__(self, other):
        return self.__mul__(other)

    def __truediv__(self, other):
        if isinstance(other, timedelta):
            return self._us / other._us
        return timedelta(microseconds=self._us / other)

    def __floordiv__(self, other):
        if isinstance(other, timedelta):
            return self._us // other._us
        return timedelta(microseconds=self._us // other)

    def __mod__(self, other):
        return timedelta(microseconds=self._us % other._us)

    def __neg__(self):
        return timedelta(microseconds=-self._us)

    def __abs__(self):
        return timedelta(microseconds=abs(self._us))

    def __bool__(self):
        return self._us != 0

    def __eq__(self, other):
        return isinstance(other, timedelta) and self._us == other._us

    def __lt__(self, other):
        return self._us < _span(other, "<", "timedelta")

    def __le__(self, other):
        return self._us <= _span(other, "<=", "timedelta")

    def __gt__(self, other):
        return self._us > _span(other, ">", "timedelta")

    def __ge__(self, other):
        return self._us >= _span(other, ">=", "timedelta")

    def __repr__(self):
        parts = []
        if self.days:
            parts.append(f"days={self.days}")
        if self.seconds:
            parts.append(f"seconds={self.seconds}")
        if self.microseconds:
            parts.append(f"microseconds={self.microseconds}")
        return "datetime.timedelta(" + (", ".join(parts) or "0") + ")"

    def __str__(self):
        rest = self.seconds
        text = f"{rest // 3600}:{rest // 60 % 60:02d}:{rest % 60:02d}"
        if self.days:
            text = f"{self.days} day{'' if abs(self.days) == 1 else 's'}, " + text
        if self.microseconds:
            text = text + f".{self.microseconds:06d}"
        return text


def _span(value, op, name):
    if not isinstance(value, timedelta):
        raise TypeError(f"'{op}' not supported between instances of 'datetime.{name}' and another type")
    return value._us


class tzinfo:
    pass


class timezone(tzinfo):
    def __init__(self, offset, name=None):
        self._offset = offset
        self._name = name

    def utcoffset(self, when):
        return self._offset

    def tzname(self, when):
        return self._name or str(self)

    def __eq__(self, other):
        return isinstance(other, timezone) and self._offset == other._offset

    def __repr__(self):
        if not self._offset:
            return "datetime.timezone.utc"
        return f"datetime.timezone({self._offset!r})"

    def __str__(self):
        return "UTC" + _offset_text(self._offset) if self._offset else "UTC"


def _offset_text(offset):
    minutes = offset._us // 60000000
    sign = "-" if minutes < 0 else "+"
    minutes = abs(minutes)
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"


timezone.utc = timezone(timedelta(0))
UTC = timezone.utc


def _strftime(spec, year, month, day, hour=0, minute=0, second=0, micro=0, zone=None):
    out = []
    at = 0
    while at < len(spec):
        mark = spec[at]
        if mark != "%" or at + 1 == len(spec):
            out.append(mark)
            at += 1
            continue
        code = spec[at + 1]
        at += 2
        weekday = (_ordinal(year, month, day) + 6) % 7
        if code == "-" or code == "#":
            code = spec[at]
            at += 1
            out.append(_directive(code, year, month, day, hour, minute, second, micro, zone, weekday).lstrip("0") or "0")
        else:
            out.append(_directive(code, year, month, day, hour, minute, second, micro, zone, weekday))
    return "".join(out)


def _directive(code, year, month, day, hour, minute, second, micro, zone, weekday):
    if code == "Y":
        return f"{year:04d}" if year >= 1000 else str(year)
    if code == "m":
        return f"{month:02d}"
    if code == "d":
        return f"{day:02d}"
    if code == "H":
        return f"{hour:02d}"
    if code == "M":
        return f"{minute:02d}"
    if code == "S":
        return f"{second:02d}"
    if code == "y":
        return f"{year % 100:02d}"
    if code == "b":
        return _MONTHS[month][:3]
    if code == "B":
        return _MONTHS[month]
    if code == "a":
        return _DAYS[weekday][:3]
    if code == "A":
        return _DAYS[weekday]
    if code == "I":
        return f"{(hour + 11) % 12 + 1:02d}"
    if code == "p":
        return "AM" if hour < 12 else "PM"
    if code == "f":
        return f"{micro:06d}"
    if code == "j":
        return f"{_ordinal(year, month, day) - _ordinal(year, 1, 1) + 1:03d}"
    if code == "u":
        return str(weekday + 1)
    if code == "w":
        return str((weekday + 1) % 7)
    if code == "F":
        return f"{year:04d}-{month:02d}-{day:02d}"
    if code == "T":
        return f"{hour:02d}:{minute:02d}:{second:02d}"
    if code == "z":
        return "" if zone is None else _offset_text(zone.utcoffset(None)).replace(":", "")
    if code == "Z":
        return "" if zone is None else zone.tzname(None)
    if code == "%":
        return "%"
    __unknown__()


class date:
    def __init__(self, year, month, day):
        _checked(year, month, day)
        self.year = year
        self.month = month
        self.day = day

    @classmethod
    def today(cls):
        __unknown__()

    @classmethod
    def fromordinal(cls, n):
        year, month, day = _from_ordinal(n)
        return date(year, month, day)

    @classmethod
    def fromisoformat(cls, text):
        if not isinstance(text, str):
            raise TypeError("fromisoformat: argument must be str")
        parts = text.split("-")
        if len(parts) != 3 or len(parts[0]) != 4 or not all(part.isdigit() for part in parts):
            raise ValueError(f"Invalid isoformat string: {text!r}")
        return date(int(parts[0]), int(parts[1]), int(parts[2]))

    def toordinal(self):
        return _ordinal(self.year, self.month, self.day)

    def weekday(self):
        return (self.toordinal() + 6) % 7

    def isoweekday(self):
        return self.weekday() + 1

    def isoformat(self):
        return f"{self.year:04d}-{self.month:02d}-{self.day:02d}"

    def isocalendar(self):
        thursday = self.toordinal() - self.weekday() + 3
        year = _from_ordinal(thursday)[0]
        return (year, (thursday - _ordinal(year, 1, 1)) // 7 + 1, self.weekday() + 1)

    def replace(self, year=None, month=None, day=None):
        return date(self.year if year is None else year, self.month if month is None else month,
                    self.day if day is None else day)

    def strftime(self, spec):
        return _strftime(spec, self.year, self.month, self.day)

    def __format__(self, spec):
        return self.strftime(spec)

    def __add__(self, other):
        if isinstance(other, timedelta):
            return date.fromordinal(self.toordinal() + other.days)
        return NotImplemented

    def __radd__(self, other):
        return self.__add__(other)

    def __sub__(self, other):
        if isinstance(other, timedelta):
            return date.fromordinal(self.toordinal() - other.days)
        if isinstance(other, date) and not isinstance(other, datetime):
            return timedelta(days=self.toordinal() - other.toordinal())
        return NotImplemented

    def __eq__(self, other):
        return isinstance(other, date) and not isinstance(other, datetime) and self.toordinal() == other.toordinal()

    def __hash__(self):
        return self.toordinal()

    def __lt__(self, other):
        return self.toordinal() < _day(other, "<")

    def __le__(self, other):
        return self.toordinal() <= _day(other, "<=")

    def __gt__(self, other):
        return self.toordinal() > _day(other, ">")

    def __ge__(self, other):
        return self.toordinal() >= _day(other, ">=")

    def __repr__(self):
        return f"datetime.date({self.year}, {self.month}, {self.day})"

    def __str__(self):
        return self.isoformat()


def _day(value, op):
    if not isinstance(value, date):
        raise TypeError(f"'{op}' not supported between instances of 'datetime.date' and '{type(value).__name__}'")
    if isinstance(value, datetime):
        raise TypeError("can't compare datetime.datetime to datetime.date")
    return value.toordinal()


class time:
    def __init__(self, hour=0, minute=0, second=0, microsecond=0, tzinfo=None):
        if not 0 <= hour <= 23:
            raise ValueError("hour must be in 0..23")
        if not 0 <= minute <= 59:
            raise ValueError("minute must be in 0..59")
        self.hour = hour
        self.minute = minute
        self.second = second
        self.microsecond = microsecond
        self.tzinfo = tzinfo

    def _key(self):
        return (self.hour, self.minute, self.second, self.microsecond)

    def __eq__(self, other):
        return isinstance(other, time) and self._key() == other._key()

    def __lt__(self, other):
        return self._key() < other._key()

    def __le__(self, other):
        return self._key() <= other._key()

    def __gt__(self, other):
        return self._key() > other._key()

    def __ge__(self, other):
        return self._key() >= other._key()

    def isoformat(self, timespec="auto"):
        if timespec == "minutes":
            return f"{self.hour:02d}:{self.minute:02d}"
        text = f"{self.hour:02d}:{self.minute:02d}:{self.second:02d}"
        return text + f".{self.microsecond:06d}" if self.microsecond else text

    def strftime(self, spec):
        return _strftime(spec, 1900, 1, 1, self.hour, self.minute, self.second, self.microsecond)

    def __format__(self, spec):
        return self.strftime(spec)

    def __repr__(self):
        more = f", {self.second}" if self.second else ""
        return f"datetime.time({self.hour}, {self.minute}{more})"

    def __str__(self):
        return self.isoformat()


class datetime(date):
    def __init__(self, year, month, day, hour=0, minute=0, second=0, microsecond=0, tzinfo=None):
        _checked(year, month, day)
        if not 0 <= hour <= 23:
            raise ValueError("hour must be in 0..23")
        if not 0 <= minute <= 59:
            raise ValueError("minute must be in 0..59")
        if not 0 <= second <= 59:
            raise ValueError("second must be in 0..59")
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
        self.microsecond = microsecond
        self.tzinfo = tzinfo

    @classmethod
    def now(cls, tz=None):
        __unknown__()

    @classmethod
    def utcnow(cls):
        __unknown__()

    @classmethod
    def fromtimestamp(cls, stamp, tz=None):
        if tz is None:
            __unknown__()
        made = _from_us(_ordinal(1970, 1, 1) * 86400000000 + round(stamp * 1000000), timezone.utc)
        return made.astimezone(tz)

    @classmethod
    def combine(cls, day, clock, tzinfo=None):
        return datetime(day.year, day.month, day.day, clock.hour, clock.minute, clock.second, clock.microsecond,
                        tzinfo or clock.tzinfo)

    @classmethod
    def fromisoformat(cls, text):
        if not isinstance(text, str):
            raise TypeError("fromisoformat: argument must be str")
        if len(text) not in (10, 16, 19, 20, 25):
            __unknown__()
        day = date.fromisoformat(text[:10])
        zone = None
        if text.endswith("Z"):
            zone = timezone.utc
        elif len(text) == 25:
            sign = -1 if text[19] == "-" else 1
            minutes = int(text[20:22]) * 60 + int(text[23:25])
            zone = timezone.utc if minutes == 0 else timezone(timedelta(minutes=sign * minutes))
        clock = [int(part) for part in text[11:19].rstrip("Z").split(":")] if len(text) > 10 else []
        return datetime(day.year, day.month, day.day, *clock, tzinfo=zone)

    @classmethod
    def strptime(cls, text, spec):
        found = {"Y": 1900, "m": 1, "d": 1, "H": 0, "M": 0, "S": 0}
        at = 0
        mark = 0
        while mark < len(spec):
            if spec[mark] != "%":
                if text[at:at + 1] != spec[mark]:
                    raise ValueError(f"time data {text!r} does not match format {spec!r}")
                at += 1
                mark += 1
                continue
            code = spec[mark + 1]
            mark += 2
            if code not in found and code != "y":
                __unknown__()
            end = at
            while end < len(text) and text[end].isdigit() and end - at < (4 if code == "Y" else 2):
                end += 1
            if end == at or (code == "Y" and end - at != 4):
                raise ValueError(f"time data {text!r} does not match format {spec!r}")
            number = int(text[at:end])
            if code == "y":
                found["Y"] = number + (2000 if number < 69 else 1900)
            else:
                found[code] = number
            at = end
        if at < len(text):
            raise ValueError(f"unconverted data remains: {text[at:]}")
        if not 1 <= found["m"] <= 12 or found["H"] > 23 or found["M"] > 59:
            raise ValueError(f"time data {text!r} does not match format {spec!r}")
        return datetime(found["Y"], found["m"], found["d"], found["H"], found["M"], found["S"])

    def _us(self):
        clock = self.hour * 3600 + self.minute * 60 + self.second
        return (self.toordinal() * 86400 + clock) * 1000000 + self.microsecond

    def _utc(self):
        return self._us() - (self.tzinfo.utcoffset(self)._us if self.tzinfo is not None else 0)

    def date(self):
        return date(self.year, self.month, self.day)

    def time(self):
        return time(self.hour, self.minute, self.second, self.microsecond)

    def utcoffset(self):
        return None if self.tzinfo is None else self.tzinfo.utcoffset(self)

    def timestamp(self):
        if self.tzinfo is None:
            __unknown__()
        return (self._utc() - _ordinal(1970, 1, 1) * 86400000000) / 1000000

    def astimezone(self, zone=None):
        if self.tzinfo is None or zone is None:
            __unknown__()
        return _from_us(self._utc() + zone.utcoffset(self)._us, zone)

    def replace(self, year=None, month=None, day=None, hour=None, minute=None, second=None, microsecond=None,
                tzinfo=False):
        return datetime(
            self.year if year is None else year, self.month if month is None else month,
            self.day if day is None else day, self.hour if hour is None else hour,
            self.minute if minute is None else minute, self.second if second is None else second,
            self.microsecond if microsecond is None else microsecond,
            self.tzinfo if tzinfo is False else tzinfo)

    def isoformat(self, sep="T", timespec="auto"):
        text = f"{self.year:04d}-{self.month:02d}-{self.day:02d}{sep}{self.hour:02d}:{self.minute:02d}"
        if timespec != "minutes":
            text += f":{self.second:02d}"
        if self.microsecond and timespec == "auto":
            text += f".{self.microsecond:06d}"
        return text if self.tzinfo is None else text + _offset_text(self.tzinfo.utcoffset(self))

    def strftime(self, spec):
        return _strftime(spec, self.year, self.month, self.day, self.hour, self.minute, self.second,
                         self.microsecond, self.tzinfo)

    def __add__(self, other):
        if isinstance(other, timedelta):
            return _from_us(self._us() + other._us, self.tzinfo)
        return NotImplemented

    def __sub__(self, other):
        if isinstance(other, timedelta):
            return _from_us(self._us() - other._us, self.tzinfo)
        if isinstance(other, datetime):
            if (self.tzinfo is None) != (other.tzinfo is None):
                raise TypeError("can't subtract offset-naive and offset-aware datetimes")
            return timedelta(microseconds=self._utc() - other._utc())
        return NotImplemented

    def __eq__(self, other):
        if not isinstance(other, datetime) or (self.tzinfo is None) != (other.tzinfo is None):
            return False
        return self._utc() == other._utc()

    def __lt__(self, other):
        return self._utc() < _moment(self, other, "<")

    def __le__(self, other):
        return self._utc() <= _moment(self, other, "<=")

    def __gt__(self, other):
        return self._utc() > _moment(self, other, ">")

    def __ge__(self, other):
        return self._utc() >= _moment(self, other, ">=")

    def __repr__(self):
        numbers = [self.year, self.month, self.day, self.hour, self.minute]
        if self.second or self.microsecond:
            numbers.append(self.second)
        if self.microsecond:
            numbers.append(self.microsecond)
        zone = "" if self.tzinfo is None else f", tzinfo={self.tzinfo!r}"
        return "datetime.datetime(" + ", ".join(str(n) for n in numbers) + zone + ")"

    def __str__(self):
        return self.isoformat(" ")


def _moment(left, right, op):
    if not isinstance(right, datetime):
        raise TypeError(f"'{op}' not supported between instances of 'datetime.datetime' and '{type(right).__name__}'")
    if (left.tzinfo is None) != (right.tzinfo is None):
        raise TypeError("can't compare offset-naive and offset-aware datetimes")
    return right._utc()


def _from_us(us, zone):
    days = us // 86400000000
    rest = us % 86400000000
    year, month, day = _from_ordinal(days)
    clock = rest // 1000000
    return datetime(year, month, day, clock // 3600, clock // 60 % 60, clock % 60, rest % 1000000, zone)
