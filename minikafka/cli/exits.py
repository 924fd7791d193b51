"""Exit codes of the tools, and the error that ends one of them with a line on stderr."""

from __future__ import annotations

from typing import Final

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130


class ToolError(Exception):
    """What went wrong, in one line; the tool ends with `exit_code`."""

    def __init__(self, text: str, exit_code: int = FAILED) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class UsageError(ToolError):
    """The words on the command line do not fit together."""

    def __init__(self, text: str) -> None:
        super().__init__(text, USAGE)
