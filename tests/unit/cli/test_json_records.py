"""Records as JSON, both ways."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikafka.cli.json_records import Line, parse_record, record_json

DATA = st.none() | st.binary()
HEADERS = st.lists(st.tuples(st.text(), DATA), max_size=3).map(tuple)


@given(key=DATA, value=DATA, headers=HEADERS)
def test_what_is_written_is_read_back(
    key: bytes | None, value: bytes | None, headers: tuple[tuple[str, bytes | None], ...]
) -> None:
    text = record_json("t", 1, 5, 1760000000000, key, value, headers)
    assert "\n" not in text
    assert parse_record(text.encode("utf-8", "surrogatepass")) == Line(
        value, key, headers, 1, 1760000000000, "t"
    )


def test_bytes_that_are_no_text_are_base64() -> None:
    shown = json.loads(record_json("t", 0, 0, 0, b"\xff\xfe", b"text", ()))
    assert shown["key"] == {"base64": "//4="}
    assert shown["value"] == "text"


def test_little_has_to_be_said() -> None:
    assert parse_record(b'{"value": "v"}') == Line(b"v")
    assert parse_record(b'{"headers": {"a": "1"}}') == Line(None, None, (("a", b"1"),))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'{"valeu": "v"}',
        b'{"value": 5}',
        b'{"value": {"base64": "!"}}',
        b'{"value": {"base64": "", "x": 1}}',
        b'{"partition": "0"}',
        b'{"partition": true}',
        b'{"topic": 1}',
        b'{"headers": [["a"]]}',
        b'{"headers": "a"}',
    ],
)
def test_what_is_no_record_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):  # many texts, one kind
        parse_record(text)
