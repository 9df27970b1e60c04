"""How numbers are written for people, here and on the site: ``50%``, ``1,234``, ``1.3×``, ``2 notes``, ``338.83 G``."""

from __future__ import annotations

PREFIXES = ("", "k", "M", "G", "T", "P", "E")
"""SI prefixes of rising powers of a thousand."""


def percent(fraction: float, digits: int = 0) -> str:
    """A fraction in percent: ``50%`` for 0.5.

    Args:
        fraction: 1 is 100%.
        digits: after the decimal point.
    """
    return f"{fraction:z.{digits}%}"


def thousands(number: float, digits: int = 0) -> str:
    """A number with a comma between thousands: ``1,234`` for 1234.

    Args:
        number: whole or not.
        digits: after the decimal point.
    """
    return f"{number:z,.{digits}f}"


def times(factor: float, digits: int = 1) -> str:
    """A factor such as a speed-up: ``1.3×`` for 1.3.

    Args:
        factor: 1 is no change.
        digits: after the decimal point.
    """
    return f"{factor:z,.{digits}f}×"


def count(number: int, singular: str, plural: str | None = None) -> str:
    """A number of things: ``1 note``, ``2 notes``, ``0 notes``.

    Args:
        number: how many.
        singular: the noun for one.
        plural: the noun for more; ``singular`` and an s where not given.
    """
    return f"{thousands(number)} {singular if number == 1 else plural or singular + 's'}"


def si(number: float, digits: int = 2) -> str:
    """A large number with its SI prefix: ``338.83 G`` for 338,830,000,000, ``612`` for 612.

    Args:
        number: its size is at most some 10^21; below 1000 it is written as it is.
        digits: after the decimal point, where there is a prefix.
    """
    scaled, prefix = number, ""
    for larger in PREFIXES[1:]:
        if abs(round(scaled, digits if prefix else 0)) < 1000:
            break
        scaled, prefix = scaled / 1000, larger
    return f"{scaled:.{digits}f} {prefix}" if prefix else f"{number:g}"
