from pathlib import Path

from minikafka.settings.document import configuration_document

DOCUMENT = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_the_document_is_what_the_declarations_say() -> None:
    """Else: python -m minikafka.settings > docs/configuration.md"""
    assert DOCUMENT.read_text(encoding="utf-8") == configuration_document()
