import pytest

from minikafka.settings.kinds import (
    BOOLEAN,
    DOUBLE,
    INT,
    LIST,
    LONG,
    SHORT,
    double_text,
    parse_double,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5"),
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (0.001, "0.001"),
        (0.0001, "1.0E-4"),
        (9999999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (12345678.9, "1.23456789E7"),
        (123456789012345680.0, "1.2345678901234568E17"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (-2.5e-10, "-2.5E-10"),
        (float("inf"), "Infinity"),
        (float("nan"), "NaN"),
    ],
)
def test_doubles_are_written_as_java_writes_them(value: float, text: str) -> None:
    assert double_text(value) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [(" 1 ", 1.0), ("1.", 1.0), (".5", 0.5), ("1e-3", 0.001), ("0.25f", 0.25), ("1D", 1.0)],
)
def test_doubles_are_read_as_java_reads_them(text: str, value: float) -> None:
    assert parse_double(text) == value


@pytest.mark.parametrize("text", ["", "x", "1_0", "nan", "inf", "infinity", "1e", "1 0", "."])
def test_what_java_refuses_is_no_double(text: str) -> None:
    with pytest.raises(ValueError, match="Not a number of type DOUBLE"):
        DOUBLE.parse(text)


@pytest.mark.parametrize("text", ["", "1_0", "0x10", "1.0", "2147483648", "-2147483649", "+-1"])
def test_what_java_refuses_is_no_int(text: str) -> None:
    with pytest.raises(ValueError, match="Not a number of type INT"):
        INT.parse(text)


def test_integers_have_their_width() -> None:
    assert INT.parse(" +2147483647 ") == 2**31 - 1
    assert LONG.parse("-9223372036854775808") == -(2**63)
    assert SHORT.parse("32767") == 32767
    with pytest.raises(ValueError, match="SHORT"):
        SHORT.parse("32768")


def test_a_huge_number_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="LONG"):
        LONG.parse("9" * 100_000)


def test_booleans() -> None:
    assert BOOLEAN.parse(" TRUE ") is True
    assert BOOLEAN.text(False) == "false"
    with pytest.raises(ValueError, match="true or false"):
        BOOLEAN.parse("yes")


def test_lists_drop_blanks_and_repetitions() -> None:
    assert LIST.parse(" a , b,a ") == ("a", "b")
    assert LIST.parse("  ") == ()
    assert LIST.parse("a,,b") == ("a", "", "b")
