"""`server.properties`: the grammar of java.util.Properties, and a node's settings from all sources.

Lines end with LF, CR or CRLF. A line whose first character is `#` or `!` is a comment. The key
ends at the first unescaped `=`, `:` or blank; blanks around that separator belong to neither side,
blanks at the end of a line belong to the value. A backslash at the end of a line joins it with the
next one without that one's leading blanks; elsewhere it starts an escape.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from minikafka.settings.broker import unknown_keys
from minikafka.settings.environment import from_environment

_BLANKS: Final = " \t\f"
_SEPARATORS: Final = "=:"
_ESCAPES: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


class PropertiesError(ValueError):
    """A text that is no properties file, or an override that is no `key=value`."""


class Loaded(NamedTuple):
    """The values of a node, and the keys among them that nobody knows.

    `unknown`: (key, known key that may have been meant or None), each key once.
    """

    values: dict[str, str]
    unknown: list[tuple[str, str | None]]


def parse_properties(text: str) -> dict[str, str]:
    """The pairs of a properties file; of a key that occurs again the last value counts.

    PropertiesError: a `\\u` that four hexadecimal digits do not follow.
    """
    return dict(_split(line) for line in _logical_lines(text))


def _logical_lines(text: str) -> Iterator[str]:
    """The lines without comments and empty ones, continued lines joined, escapes kept."""
    joined = ""
    continuing = False
    for natural in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        line = natural.lstrip(_BLANKS)
        if not continuing and (not line or line[0] in "#!"):
            continue
        backslashes = len(line) - len(line.rstrip("\\"))
        continuing = backslashes % 2 == 1
        joined += line[:-1] if continuing else line
        if joined and not continuing:
            yield joined
            joined = ""
    if joined:
        yield joined


def _split(line: str) -> tuple[str, str]:
    end = _key_end(line)
    rest = line[end:].lstrip(_BLANKS)
    if rest and rest[0] in _SEPARATORS:
        rest = rest[1:].lstrip(_BLANKS)
    return _unescape(line[:end]), _unescape(rest)


def _key_end(line: str) -> int:
    escaped = False
    for position, letter in enumerate(line):
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter in _SEPARATORS or letter in _BLANKS:
            return position
    return len(line)


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    letters: list[str] = []
    position = 0
    while position < len(text):
        letter = text[position]
        position += 1
        if letter != "\\":
            letters.append(letter)
        elif position < len(text):
            letter = text[position]
            position += 1
            if letter == "u":
                letters.append(_unicode_escape(text, position))
                position += 4
            else:
                letters.append(_ESCAPES.get(letter, letter))
    # Java's characters are UTF-16 units: two escapes may be one character here.
    return "".join(letters).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unicode_escape(text: str, position: int) -> str:
    digits = text[position : position + 4]
    if len(digits) < 4 or not set(digits) <= set("0123456789abcdefABCDEF"):
        raise PropertiesError(f"\\u{digits} is no character: \\u wants four hexadecimal digits")
    return chr(int(digits, 16))


def parse_overrides(overrides: Iterable[str]) -> dict[str, str]:
    """`key=value` words of a command line; PropertiesError when one has no `=` or no key."""
    values = {}
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key.strip():
            raise PropertiesError(f"--override wants key=value, not {override!r}")
        values[key.strip()] = value
    return values


def load(
    file_text: str | None,
    overrides: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    defaults: Mapping[str, str] | None = None,
) -> Loaded:
    """The values of a node: `defaults`, over them the file, the environment, the overrides.

    `file_text` is the text of a server.properties, None without one. PropertiesError when it or
    an override cannot be read; whether the values are right is for `BrokerSettings.parse`.
    """
    from_file = parse_properties(file_text) if file_text is not None else {}
    from_overrides = parse_overrides(overrides)
    overlay, misspelt = from_environment(environ or {})
    values = {**(defaults or {}), **from_file, **overlay, **from_overrides}
    return Loaded(values, unknown_keys(values) + misspelt)
