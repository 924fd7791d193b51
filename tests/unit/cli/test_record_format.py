"""kcat's format tokens, printing and reading; escapes."""

import pytest

from minikafka.cli.escapes import unescape
from minikafka.cli.exits import UsageError
from minikafka.cli.json_records import Line
from minikafka.cli.record_format import compile_format, compile_input
from minikafka_client import ConsumerRecord

RECORD = ConsumerRecord("t", 3, 42, 1760000000000, b"k", b"v\xff", (("a", b"1"), ("n", None)))
NULLS = ConsumerRecord("t", 0, 0, -1, None, None, ())


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        (r"%s\n", b"v\xff\n"),
        ("%t [%p] at %o: %k=%s", b"t [3] at 42: k=v\xff"),
        ("%S %K %T", b"2 1 1760000000000"),
        ("%R%s", b"\0\0\0\x02v\xff"),
        ("%h", b"a=1,n="),
        (r"100%% \x7c\t\\", b"100% |\t\\"),
        ("é%s", "é".encode() + b"v\xff"),
        ("", b""),
    ],
)
def test_tokens(text: str, printed: bytes) -> None:
    assert compile_format(text)(RECORD) == printed


def test_null_has_the_length_minus_one() -> None:
    assert compile_format("%k|%s|%K|%S|%R")(NULLS) == b"||-1|-1|\xff\xff\xff\xff"
    assert compile_format("%k|%s", b"NULL")(NULLS) == b"NULL|NULL"


@pytest.mark.parametrize("text", ["%x", "%", r"\q", r"\x1", r"\xzz", "\\"])
def test_what_is_no_format_is_said_so(text: str) -> None:
    with pytest.raises(UsageError):
        compile_format(text)


def test_a_format_reads_what_it_prints() -> None:
    text = r"%p %T %h %k:%s\n"
    read, delimiter = compile_input(text)
    printed = compile_format(text)(RECORD)
    assert delimiter == b"\n"
    assert read(printed.removesuffix(delimiter)) == Line(
        b"v\xff", b"k", (("a", b"1"), ("n", b"")), 3, 1760000000000
    )


def test_the_value_takes_what_is_left() -> None:
    read, _ = compile_input(r"%k:%s;")
    assert read(b"a:b:c\nd") == Line(b"b:c\nd", b"a")
    with pytest.raises(ValueError, match="does not look like"):
        read(b"no colon")


@pytest.mark.parametrize("text", ["%s", "%k%s\n", "%s %s\n", "%o %s\n", ""])
def test_some_formats_cannot_be_read(text: str) -> None:
    with pytest.raises(UsageError):
        compile_input(text)


def test_escapes() -> None:
    assert unescape(r"a\n\r\t\0\\\x00\xff") == b"a\n\r\t\0\\\x00\xff"
