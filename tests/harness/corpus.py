"""Real text: every text file of the running Python's standard library, line by line.

What counts, decided once so that nothing is left out in silence:
- a text file is a regular file below the library's directory without a NUL byte in it; its encoding
  does not matter, lines are bytes (some twenty files of the library's own tests are not UTF-8);
- site-packages and __pycache__ are not the library;
- a line ends at a line feed and at nothing else: a carriage return before it is part of the line;
- empty lines are records with an empty value; a file that ends in a line feed has no line after it;
- no line is too long: the longest have some thousand bytes, far below a batch.
"""

import sysconfig
from collections.abc import Iterator
from pathlib import Path

from harness.clients import Keyed


def text_files() -> Iterator[tuple[bytes, bytes]]:
    """Relative name and content of each text file, in the order of their names."""
    root = Path(sysconfig.get_path("stdlib"))
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if "site-packages" in parts or "dist-packages" in parts or "__pycache__" in parts:
            continue
        if path.is_file() and b"\0" not in (content := path.read_bytes()):
            yield path.relative_to(root).as_posix().encode(), content


def lines() -> list[Keyed]:
    """All lines of all text files: the key is the file's name, the value the line."""
    return [
        Keyed(name, line)
        for name, content in text_files()
        for line in content.removesuffix(b"\n").split(b"\n")
        if content
    ]
