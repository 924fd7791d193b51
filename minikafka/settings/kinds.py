"""The value types of Kafka's ConfigDef: from text to a value and back, as Java does it.

`parse` takes what stands in a file or travels in a request and raises `ValueError` with the reason;
`text` gives the form that DescribeConfigs answers with (doubles and booleans as Java prints them).
The numbers are the `config_type` of DescribeConfigs v3+ (KIP-569).
"""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

#: what DescribeConfigs calls a list
LIST_TYPE: Final = 7

INT_MIN, INT_MAX = -(2**31), 2**31 - 1
SHORT_MIN, SHORT_MAX = -(2**15), 2**15 - 1
LONG_MIN, LONG_MAX = -(2**63), 2**63 - 1


class Kind(Generic[T]):
    """One value type: its name, its number in DescribeConfigs, and both directions of its text."""

    __slots__ = ("config_type", "name", "parse", "text")

    def __init__(
        self, name: str, config_type: int, parse: Callable[[str], T], text: Callable[[T], str]
    ) -> None:
        self.name = name
        self.config_type = config_type
        self.parse = parse
        self.text = text

    def __repr__(self) -> str:
        return f"Kind({self.name})"


def parse_boolean(text: str) -> bool:
    """`true` or `false` in any case; nothing else means either."""
    word = text.strip().lower()
    if word == "true":
        return True
    if word == "false":
        return False
    raise ValueError("Expected value to be either true or false")


def _integer_parser(type_name: str, lowest: int, highest: int) -> Callable[[str], int]:
    reason = f"Not a number of type {type_name}"

    def parse(text: str) -> int:
        word = text.strip()
        # int() takes "1_000", which Java refuses; isdecimal() refuses it and every other ornament.
        digits = word[1:] if word[:1] in ("+", "-") else word
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= 400):
            raise ValueError(reason)
        value = int(word)
        if not lowest <= value <= highest:
            raise ValueError(reason)
        return value

    return parse


def parse_double(text: str) -> float:
    """Java's `Double.parseDouble`: `0.25f` is a number there, `nan` and `1_0` are none."""
    word = text.strip()
    if word.lstrip("+-") in ("NaN", "Infinity"):
        return float(word)
    bare = word[:-1] if word[-1:] in ("d", "D", "f", "F") else word
    try:
        if not set(bare) <= set("0123456789+-.eE"):
            raise ValueError(bare)
        return float(bare)
    except ValueError:
        raise ValueError("Not a number of type DOUBLE") from None


def double_text(value: float) -> str:
    """A double as Java prints it: `0.5`, `1.0E-4`, `1.7976931348623157E308`, `NaN`.

    Plain notation is used from 10^-3 up to 10^7, else one digit, the point, the rest and `E`.
    """
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        plain = repr(value)
        return plain if "e" not in plain else f"{value:.1f}"
    mantissa, _, exponent = f"{value!r}".partition("e")
    if not exponent:  # repr switches to an exponent later than Java does
        mantissa, exponent = _to_scientific(mantissa)
    if "." not in mantissa:
        mantissa += ".0"
    return f"{mantissa}E{int(exponent)}"


def _to_scientific(plain: str) -> tuple[str, str]:
    sign = "-" if plain.startswith("-") else ""
    whole, _, fraction = plain.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    leading_zeros = len(whole + fraction) - len(digits)
    exponent = len(whole) - 1 - leading_zeros
    digits = digits.rstrip("0") or "0"
    return f"{sign}{digits[0]}.{digits[1:] or '0'}", str(exponent)


def parse_list(text: str) -> tuple[str, ...]:
    """Comma separated, blanks around the commas and repetitions dropped; "" is the empty list."""
    word = text.strip()
    return tuple(dict.fromkeys(part.strip() for part in word.split(","))) if word else ()


def java_list(values: tuple[str, ...]) -> str:
    """A list as Java prints it in error texts."""
    return "[" + ", ".join(values) + "]"


def _strip(text: str) -> str:
    return text.strip()


def _boolean_text(value: bool) -> str:
    return "true" if value else "false"


BOOLEAN: Final = Kind[bool]("boolean", 1, parse_boolean, _boolean_text)
STRING: Final = Kind[str]("string", 2, _strip, str)
INT: Final = Kind[int]("int", 3, _integer_parser("INT", INT_MIN, INT_MAX), str)
SHORT: Final = Kind[int]("short", 4, _integer_parser("SHORT", SHORT_MIN, SHORT_MAX), str)
LONG: Final = Kind[int]("long", 5, _integer_parser("LONG", LONG_MIN, LONG_MAX), str)
DOUBLE: Final = Kind[float]("double", 6, parse_double, double_text)
LIST: Final = Kind[tuple[str, ...]]("list", 7, parse_list, ",".join)
CLASS: Final = Kind[str]("class", 8, _strip, str)
PASSWORD: Final = Kind[str]("password", 9, _strip, str)

#: config_type of a key that nobody declared
UNKNOWN_TYPE: Final = 0
