# What the replay knows of `fractions`: fractions of whole numbers.
import math


class Fraction:
    def __init__(self, numerator=0, denominator=1):
        if isinstance(numerator, Fraction) and denominator == 1:
            numerator, denominator = numerator.numerator, numerator.denominator
        if isinstance(numerator, str):
            top, _, bottom = numerator.partition("/")
            numerator, denominator = int(top), int(bottom or "1")
        if not isinstance(numerator, int) or not isinstance(denominator, int):
            __unknown__()
        if denominator == 0:
            raise ZeroDivisionError(f"Fraction({numerator}, 0)")
        shared = math.gcd(numerator, denominator)
        if denominator < 0:
            shared = -shared
        self.numerator = numerator // shared
        self.denominator = denominator // shared

    def _of(self, other):
        if isinstance(other, int):
            return Fraction(other, 1)
        if not isinstance(other, Fraction):
            __unknown__()
        return other

    def __add__(self, other):
        other = self._of(other)
        return Fraction(self.numerator * other.denominator + other.numerator * self.denominator,
                        self.denominator * other.denominator)

    __radd__ = __add__

    def __neg__(self):
        return Fraction(-self.numerator, self.denominator)

    def __sub__(self, other):
        return self + -self._of(other)

    def __rsub__(self, other):
        return self._of(other) - self

    def __mul__(self, other):
        other = self._of(other)
        return Fraction(self.numerator * other.numerator, self.denominator * other.denominator)

    __rmul__ = __mul__

    def __truediv__(self, other):
        other = self._of(other)
        return Fraction(self.numerator * other.denominator, self.denominator * other.numerator)

    def __rtruediv__(self, other):
        return self._of(other) / self

    def __eq__(self, other):
        if isinstance(other, float):
            return self.numerator / self.denominator == other
        if not isinstance(other, (int, Fraction)):
            return False
        other = self._of(other)
        return self.numerator == other.numerator and self.denominator == other.denominator

    def __lt__(self, other):
        other = self._of(other)
        return self.numerator * other.denominator < other.numerator * self.denominator

    def __le__(self, other):
        return self == other or self < other

    def __gt__(self, other):
        return not self <= other

    def __ge__(self, other):
        return not self < other

    def __float__(self):
        return self.numerator / self.denominator

    def __int__(self):
        return int(self.numerator / self.denominator)

    def __bool__(self):
        return self.numerator != 0

    def __str__(self):
        if self.denominator == 1:
            return str(self.numerator)
        return f"{self.numerator}/{self.denominator}"

    def __repr__(self):
        return f"Fraction({self.numerator}, {self.denominator})"
