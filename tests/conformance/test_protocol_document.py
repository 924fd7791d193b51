"""docs/protocol.md tells what the tables and schemas in the code say."""

from pathlib import Path

from minikafka.protocol.api_table import api_table, record_table

DOCUMENT = Path(__file__).parents[2] / "docs" / "protocol.md"


def section(name: str) -> str:
    text = DOCUMENT.read_text()
    return text.split(f"<!-- {name} -->\n")[1].split("<!-- end -->")[0]


def test_the_table_of_apis_is_up_to_date() -> None:
    assert section("apis") == api_table()


def test_the_table_of_records_is_up_to_date() -> None:
    assert section("records") == record_table()
