"""A smaller schedule that still fails: whoever looks for a bug wants few faults to look at."""

from collections.abc import Callable, Sequence


def shrink(numbers: Sequence[int], fails: Callable[[list[int]], bool]) -> list[int]:
    """The faults that are needed: parts are left out, first large ones, while it fails without."""
    kept = list(numbers)
    size = len(kept)
    while size >= 1:
        start = 0
        while start < len(kept):
            rest = kept[:start] + kept[start + size :]
            if fails(rest):
                kept = rest
            else:
                start += size
        size //= 2
    return kept
