# What the replay knows of `decimal`: numbers of up to 28 digits. `__unknown__()` ends a replay.
ROUND_HALF_EVEN = "ROUND_HALF_EVEN"
ROUND_HALF_UP = "ROUND_HALF_UP"
ROUND_HALF_DOWN = "ROUND_HALF_DOWN"
ROUND_DOWN = "ROUND_DOWN"
ROUND_UP = "ROUND_UP"
ROUND_FLOOR = "ROUND_FLOOR"
ROUND_CEILING = "ROUND_CEILING"


class InvalidOperation(ArithmeticError):
    pass


def _divided(number, by, rounding):
    sign = -1 if (number < 0) != (by < 0) else 1
    number, by = abs(number), abs(by)
    whole, rest = number // by, number % by
    up = False
    if rounding == "ROUND_HALF_EVEN":
        up = rest * 2 > by or (rest * 2 == by and whole % 2 == 1)
    elif rounding == "ROUND_HALF_UP":
        up = rest * 2 >= by
    elif rounding == "ROUND_HALF_DOWN":
        up = rest * 2 > by
    elif rounding == "ROUND_UP":
        up = rest > 0
    elif rounding == "ROUND_FLOOR":
        up = rest > 0 and sign < 0
    elif rounding == "ROUND_CEILING":
        up = rest > 0 and sign > 0
    elif rounding != "ROUND_DOWN":
        __unknown__()
    return sign * (whole + (1 if up else 0))


def _parts(value):
    if isinstance(value, Decimal):
        return value._int, value._exp
    if isinstance(value, int):
        return int(value), 0
    return None


def _made(number, exp):
    made = Decimal()
    made._int = number
    made._exp = exp
    return made


class Decimal:
    def __init__(self, value="0"):
        self._int = 0
        self._exp = 0
        if isinstance(value, float):
            __unknown__()
        if isinstance(value, str):
            text = value.strip().replace("_", "").lower()
            sign = -1 if text.startswith("-") else 1
            text = text.lstrip("+-")
            power = 0
            if "e" in text:
                text, _, tail = text.partition("e")
                power = int(tail)
            before, dot, after = text.partition(".")
            if not (before + after).isdigit():
                raise InvalidOperation("[<class 'decimal.ConversionSyntax'>]")
            self._int = sign * int(before + after)
            self._exp = power - len(after)
        else:
            parts = _parts(value)
            if parts is None:
                raise TypeError("conversion to Decimal is not supported")
            self._int, self._exp = parts

    def _both(self, other):
        parts = _parts(other)
        if parts is None:
            return None
        exp = min(self._exp, parts[1])
        return self._int * 10 ** (self._exp - exp), parts[0] * 10 ** (parts[1] - exp), exp

    def __add__(self, other):
        both = self._both(other)
        return NotImplemented if both is None else _made(both[0] + both[1], both[2])

    def __radd__(self, other):
        return self.__add__(other)

    def __sub__(self, other):
        both = self._both(other)
        return NotImplemented if both is None else _made(both[0] - both[1], both[2])

    def __rsub__(self, other):
        both = self._both(other)
        return NotImplemented if both is None else _made(both[1] - both[0], both[2])

    def __mul__(self, other):
        parts = _parts(other)
        return NotImplemented if parts is None else _made(self._int * parts[0], self._exp + parts[1])

    def __rmul__(self, other):
        return self.__mul__(other)

    def __truediv__(self, other):
        both = self._both(other)
        if both is None:
            return NotImplemented
        if both[1] == 0:
            raise ZeroDivisionError("division by zero")
        wanted = self._exp - _parts(other)[1]
        number, by, exp = both[0], both[1], 0
        while number % by and exp > -28:
            if abs(number) > 10 ** 36:
                __unknown__()
            number *= 10
            exp -= 1
        if number % by:
            __unknown__()
        made = number // by
        while exp < wanted and made % 10 == 0:
            made //= 10
            exp += 1
        return _made(made, exp)

    def __rtruediv__(self, other):
        return Decimal(other).__truediv__(self) if _parts(other) else NotImplemented

    def __floordiv__(self, other):
        both = self._both(other)
        if both is None:
            return NotImplemented
        return _made(_divided(both[0], both[1], "ROUND_DOWN"), 0)

    def __mod__(self, other):
        both = self._both(other)
        if both is None:
            return NotImplemented
        return _made(both[0] - _divided(both[0], both[1], "ROUND_DOWN") * both[1], both[2])

    def __pow__(self, other):
        parts = _parts(other)
        if parts is None or parts[1] or parts[0] < 0:
            __unknown__()
        return _made(self._int ** parts[0], self._exp * parts[0])

    def __neg__(self):
        return _made(-self._int, self._exp)

    def __abs__(self):
        return _made(abs(self._int), self._exp)

    def __bool__(self):
        return self._int != 0

    def __eq__(self, other):
        both = self._both(other)
        if both is None:
            if isinstance(other, float):
                return float(self) == other
            return False
        return both[0] == both[1]

    def __hash__(self):
        return self._int

    def _order(self, other, op):
        both = self._both(other)
        if both is None:
            if isinstance(other, float):
                return float(self) - other
            raise TypeError(f"'{op}' not supported between instances of 'decimal.Decimal' and '{type(other).__name__}'")
        return both[0] - both[1]

    def __lt__(self, other):
        return self._order(other, "<") < 0

    def __le__(self, other):
        return self._order(other, "<=") <= 0

    def __gt__(self, other):
        return self._order(other, ">") > 0

    def __ge__(self, other):
        return self._order(other, ">=") >= 0

    def quantize(self, exp, rounding="ROUND_HALF_EVEN"):
        wanted = exp._exp
        if wanted <= self._exp:
            return _made(self._int * 10 ** (self._exp - wanted), wanted)
        return _made(_divided(self._int, 10 ** (wanted - self._exp), rounding), wanted)

    def normalize(self):
        number, exp = self._int, self._exp
        while number and number % 10 == 0:
            number //= 10
            exp += 1
        return _made(number, exp if number else 0)

    def __round__(self, digits=None):
        if digits is None:
            return self.quantize(Decimal("1"))._int
        return self.quantize(_made(1, -digits))

    def __int__(self):
        if self._exp >= 0:
            return self._int * 10 ** self._exp
        return _divided(self._int, 10 ** -self._exp, "ROUND_DOWN")

    def __float__(self):
        return float(str(self))

    def __str__(self):
        if self._exp > 0:
            if self._int == 0 or self._exp > 6:
                __unknown__()
            return f"{self._int}E+{self._exp}"
        digits = str(abs(self._int))
        sign = "-" if self._int < 0 else ""
        places = -self._exp
        if places == 0:
            return sign + digits
        if places - len(digits) > 5:
            __unknown__()
        digits = digits.rjust(places + 1, "0")
        return sign + digits[:-places] + "." + digits[-places:]

    def __repr__(self):
        return f"Decimal('{self}')"

    def __format__(self, spec):
        body = spec[:-1]
        if not spec.endswith("f"):
            if spec and spec[-1] in "0123456789><^":
                return format(str(self), spec if spec[0] in "<>^" else ">" + spec)
            __unknown__()
        head, dot, digits = body.partition(".")
        shown = self.quantize(_made(1, -int(digits))) if dot else self
        if head in ("", "0"):
            return str(shown)
        if head == ",":
            whole, dot, rest = str(shown).partition(".")
            return format(int(whole), ",") + dot + rest
        if head.isdigit():
            return str(shown).rjust(int(head), "0" if head[0] == "0" else " ")
        __unknown__()
