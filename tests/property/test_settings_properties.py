"""Whatever a Java program stores as properties reads back; whatever is read raises nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from minikafka.settings.accepted import accepted_settings
from minikafka.settings.broker import BrokerSettings, find_setting
from minikafka.settings.declare import SettingError
from minikafka.settings.properties import PropertiesError, parse_properties

LETTERS = st.characters(exclude_categories=("Cs",))
KEYS = sorted([*BrokerSettings.declarations, *accepted_settings()])


def stored(text: str, *, is_key: bool) -> str:
    """As java.util.Properties.store writes it."""
    letters = []
    for position, letter in enumerate(text):
        if letter == " ":
            letters.append("\\ " if is_key or position == 0 else " ")
        elif letter in "\t\n\r\f":
            letters.append({"\t": "\\t", "\n": "\\n", "\r": "\\r", "\f": "\\f"}[letter])
        elif letter in "=:#!\\":
            letters.append("\\" + letter)
        elif " " < letter < "\x7f":
            letters.append(letter)
        else:
            units = letter.encode("utf-16-be").hex()
            letters.extend(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
    return "".join(letters)


@given(st.dictionaries(st.text(LETTERS, min_size=1), st.text(LETTERS)), st.sampled_from("=: "))
def test_what_java_stores_reads_back(values: dict[str, str], separator: str) -> None:
    text = "".join(
        f"{stored(key, is_key=True)}{separator}{stored(value, is_key=False)}\n"
        for key, value in values.items()
    )
    assert parse_properties(text) == values


@given(st.text(st.sampled_from("ab=: \t\f\\\n\r#!u01fn.é")))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_properties(text)
    except PropertiesError:
        assert "\\u" in text


@given(st.sampled_from(KEYS), st.text(max_size=12) | st.integers().map(str))
def test_any_value_is_taken_or_refused_with_its_key(key: str, text: str) -> None:
    declared = find_setting(key)
    assert declared is not None
    refused, value = None, None
    try:
        value = declared.parse(text)
    except SettingError as error:
        refused = error
    if refused is not None:
        assert refused.key == key
        assert key in str(refused)
    else:
        shown = declared.text(value)
        assert shown is None or declared.parse(shown) == value or value != value
