import pytest

from minikafka.broker.banner import banner
from minikafka.broker.command_line import UsageError, parse_command_line


def test_nothing() -> None:
    line = parse_command_line([])
    assert line.file is None
    assert line.overrides == []
    assert not any((line.dev, line.banner, line.version, line.help))


def test_everything() -> None:
    words = "--override a=b=c server.properties --override=d=e --cluster-id xyz --dev --banner"
    line = parse_command_line(words.split())
    assert line.file == "server.properties"
    assert line.overrides == ["a=b=c", "d=e"]
    assert line.cluster_id == "xyz"
    assert line.dev
    assert line.banner


def test_port() -> None:
    assert parse_command_line(["--port=0"]).port == "0"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--nope"], "unknown option --nope"),
        (["-x"], "unknown option -x"),
        (["--dev=1"], "unknown option --dev=1"),
        (["--override"], "--override wants a value"),
        (["a", "b"], "one file at most"),
        (["--port", "x"], "up to 65535"),
        (["--port", "65536"], "up to 65535"),
        (["--port", "1", "a"], "does not go with a file"),
    ],
)
def test_words_that_make_no_command(words: list[str], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        parse_command_line(words)


def test_banner_says_where_in_ten_lines() -> None:
    text = banner([("PLAINTEXT", "", 9092), ("OUT", "::1", 9094)], ["./data"], temporary=False)
    assert "localhost:9092, [::1]:9094" in text
    assert "./data" in text
    assert len(text.splitlines()) <= 10
    assert text.count("localhost:9092") == 5


def test_banner_of_a_mere_controller_has_no_snippets() -> None:
    assert len(banner([], ["./data"], temporary=False).splitlines()) == 1
