"""`setting()`: the one declaration from which everything about a configuration key follows.

A declaration stands in the body of a class derived from `Declared` and is a non-data descriptor:
on the class it is the `Setting` itself, on an instance the instance's own value of the same name
wins, so that reading a setting on a hot path is a plain attribute access.
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Generic, Literal, TypeVar, cast, overload

from minikafka.settings.kinds import LIST_TYPE, Kind, java_list, parse_list

T = TypeVar("T")

#: How a broker key may be changed while the broker runs (KIP-226); None: only by a restart.
Dynamic = Literal["per-broker", "cluster-wide"]


class SettingError(ValueError):
    """A value that a key does not take. `str()` is the text to answer with."""

    #: the protocol's error code: INVALID_CONFIG
    error_code: ClassVar[int] = 40

    def __init__(self, key: str, value: str | None, allowed: str, text: str | None = None) -> None:
        shown = "null" if value is None else value
        super().__init__(text or f"Invalid value {shown} for configuration {key}: {allowed}")
        self.key = key
        self.value = value
        self.allowed = allowed


class SettingRequestError(SettingError):
    """A change of settings that makes no sense whatever the value: INVALID_REQUEST."""

    error_code: ClassVar[int] = 42


class Setting(Generic[T]):
    """One configuration key: parser, bounds, default, documentation, dynamic-update rule."""

    __slots__ = (
        "acted_upon",
        "allow_empty",
        "at_least",
        "at_most",
        "attribute",
        "check",
        "default",
        "doc",
        "dynamic",
        "hostile",
        "internal",
        "key",
        "kind",
        "one_of",
        "required",
        "sensitive",
        "synonyms",
    )

    key: str
    attribute: str
    default: Any
    kind: Kind[Any]
    doc: str
    at_least: float | None
    at_most: float | None
    one_of: tuple[str, ...] | None
    check: Callable[[Any], str | None] | None
    dynamic: Dynamic | None
    sensitive: bool
    hostile: tuple[Any, ...] | None
    synonyms: tuple[str, ...]
    required: bool
    internal: bool
    acted_upon: bool
    allow_empty: bool

    def __set_name__(self, owner: type, name: str) -> None:
        assert name == self.attribute, f"{name} should be called {self.attribute}"

    @overload
    def __get__(self, instance: None, owner: type) -> "Setting[T]": ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> "Setting[T] | T":
        if instance is None:
            return self
        raise AttributeError(f"{self.attribute} has not been given a value")

    def __repr__(self) -> str:
        return f"Setting({self.key})"

    def parse(self, text: str) -> T:
        """The typed value of `text`; SettingError when the key does not take it."""
        try:
            if self.kind.config_type == LIST_TYPE:
                self._require_whole_list(text)
            value = self.kind.parse(text)
        except ValueError as error:
            if isinstance(error, SettingError):
                raise
            raise SettingError(self.key, text, str(error)) from None
        self._require_bounds(value, text)
        if self.one_of is not None:
            self._require_choice(value)
        if self.check is not None and (reason := self.check(value)) is not None:
            shown = java_list(value) if isinstance(value, tuple) else text.strip()
            raise SettingError(self.key, shown, reason)
        parsed: T = value
        return parsed

    def _require_whole_list(self, text: str) -> None:
        words = parse_list(text)
        if not words and not self.allow_empty:
            allowed = java_list(self.one_of) if self.one_of else "any non-empty value"
            whole = f"Configuration '{self.key}' must not be empty. Valid values include: {allowed}"
            raise SettingError(self.key, text, allowed, whole)
        if "" in words:
            whole = f"Configuration '{self.key}' values must not be empty."
            raise SettingError(self.key, text, "values that are not empty", whole)

    def _require_bounds(self, value: Any, text: str) -> None:
        if self.at_least is not None and value < self.at_least:
            raise SettingError(self.key, text.strip(), f"Value must be at least {self.at_least}")
        if self.at_most is not None and value > self.at_most:
            raise SettingError(self.key, text.strip(), f"Value must be no more than {self.at_most}")

    def _require_choice(self, value: Any) -> None:
        assert self.one_of is not None
        for word in value if isinstance(value, tuple | frozenset) else (value,):
            if word not in self.one_of:
                reason = f"String must be one of: {', '.join(self.one_of)}"
                raise SettingError(self.key, word, reason)

    def text(self, value: T | None) -> str | None:
        """The form in which DescribeConfigs shows `value`."""
        return None if value is None else self.kind.text(value)

    def normal(self, text: str) -> str | None:
        """`text` as DescribeConfigs shows it: trimmed, numbers and booleans in Java's form."""
        if self.kind.config_type == LIST_TYPE:
            return ",".join(parse_list(text))
        return self.kind.text(self.kind.parse(text))

    @property
    def default_text(self) -> str | None:
        """The default as DescribeConfigs shows it; None when the key is unset by default."""
        return self.text(self.default)


def setting(
    key: str,
    default: T,
    *,
    kind: Kind[T],
    doc: str,
    at_least: float | None = None,
    at_most: float | None = None,
    one_of: tuple[str, ...] | None = None,
    check: Callable[[T], str | None] | None = None,
    dynamic: Dynamic | None = None,
    sensitive: bool = False,
    hostile: tuple[T, ...] | None = None,
    synonyms: tuple[str, ...] = (),
    required: bool = False,
    internal: bool = False,
    acted_upon: bool = True,
    allow_empty: bool = True,
) -> Setting[T]:
    """Declares one key.

    `check` returns the reason why a value is refused, or None. `synonyms` are the keys that give
    the value when this one is unset, best first: broker keys for a topic's, coarser units for a
    broker's. `hostile` are the values from which the simulation draws. `internal` keys are ours,
    not Kafka's, and are described only when somebody set them. `acted_upon=False`: parsed,
    validated and described, but nothing in minikafka reads it yet. `allow_empty=False`: a list
    needs at least one value.
    """
    made: Setting[T] = Setting()
    made.key = key
    made.attribute = key.replace(".", "_")
    made.default = default
    made.kind = kind
    made.doc = doc
    made.at_least = at_least
    made.at_most = at_most
    made.one_of = one_of
    made.check = check
    made.dynamic = dynamic
    made.sensitive = sensitive
    made.hostile = hostile
    made.synonyms = synonyms
    made.required = required
    made.internal = internal
    made.acted_upon = acted_upon
    made.allow_empty = allow_empty
    return made


def optional(key: str, *, kind: Kind[T], **rest: Any) -> Setting[T | None]:
    """A key that is unset by default, which means something of its own to its reader."""
    return setting(key, None, kind=cast(Kind[T | None], kind), **rest)


def filled(key: str, *, kind: Kind[T], **rest: Any) -> Setting[T]:
    """A key that is unset by default and then filled from others: its reader never sees None."""
    return setting(key, cast(T, None), kind=kind, **rest)


def one_of_any_case(*choices: str) -> Callable[[str], str | None]:
    """A `check` for words whose case does not matter."""

    def reason(word: str) -> str | None:
        if word.upper() in choices:
            return None
        return f"String must be one of (case insensitive): {', '.join(choices)}"

    return reason


class Declared:
    """A bundle of declarations; its instances hold one value for each, under the same name."""

    #: key → declaration, of this class and all its bases, in the order of declaration
    declarations: ClassVar[dict[str, Setting[Any]]] = {}

    def __init_subclass__(cls) -> None:
        found: dict[str, Setting[Any]] = {}
        for owner in reversed(cls.__mro__):
            found.update((s.key, s) for s in vars(owner).values() if type(s) is Setting)
        cls.declarations = found

    def _assign(self, values: dict[str, Any]) -> None:
        """Sets all values at once (attribute → value)."""
        self.__dict__.update(values)

    def values(self) -> Iterator[tuple[Setting[Any], Any]]:
        """Each declaration with this instance's value."""
        held = self.__dict__
        return ((s, held[s.attribute]) for s in type(self).declarations.values())
