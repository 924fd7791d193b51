"""The table people read and the JSON programs read: medians of rounds, ratios, kept promises."""

import json
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from os import cpu_count
from pathlib import Path

from harness import apache

from bench.contest import Results
from bench.scenario import Figure, Reported


def median(rounds: list[dict[str, float]], key: str) -> float:
    return statistics.median(figures[key] for figures in rounds)


def _show(value: float | None) -> str:
    if value is None:
        return "–"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _promise(figure: Figure, own: float, ratio: float | None) -> str:
    """What was promised and whether this run kept it."""
    if figure.at_most is not None:
        return f"≤ {_show(figure.at_most)} {'ok' if own <= figure.at_most else 'MISSED'}"
    if figure.ratio_at_most is not None:
        if ratio is None:
            return f"≤ {figure.ratio_at_most} × ?"
        return f"≤ {figure.ratio_at_most} × {'ok' if ratio <= figure.ratio_at_most else 'MISSED'}"
    return ""


def table(scenarios: Sequence[Reported], results: Results, names: Sequence[str]) -> str:
    """One line per figure; the ratio is the first contestant's median over the second's."""
    rows = [["scenario", "figure", "unit", *names, "ratio", "spread", "promise"]]
    for scenario in scenarios:
        label = scenario.name
        for figure in scenario.figures:
            rounds = [results[scenario.name][name] for name in names]
            values = [median(of, figure.key) for of in rounds]
            ratio = values[0] / values[1] if len(values) > 1 and values[1] > 0 else None
            own = sorted(figures[figure.key] for figures in rounds[0])
            spread = f"{_show(own[0])}–{_show(own[-1])}"
            promise = _promise(figure, values[0], ratio)
            cells = [_show(value) for value in values]
            rows.append([label, figure.label, figure.unit, *cells, _show(ratio), spread, promise])
            label = ""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    )


def missed(scenarios: Sequence[Reported], results: Results, names: Sequence[str]) -> int:
    return table(scenarios, results, names).count("MISSED")


def _package(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def write_json(
    scenarios: Sequence[Reported],
    results: Results,
    names: Sequence[str],
    directory: Path,
    prefix: str = "",
) -> Path:
    """All rounds with their medians, and the machine they were run on."""
    cpu_model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    document = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "machine": {"cpu": cpu_model, "cores": cpu_count(), "system": platform.platform()},
        "versions": {
            "python": sys.version.split()[0],
            "apache kafka": apache.VERSION,
            **{name: _package(name) for name in ("minikafka", "uvloop", "crc32c")},
        },
        "contestants": list(names),
        "scenarios": {
            scenario.name: {
                "what": " ".join((type(scenario).__doc__ or "").split()),
                "figures": {
                    figure.key: {
                        "label": figure.label,
                        "unit": figure.unit,
                        "ratio_at_most": figure.ratio_at_most,
                        "at_most": figure.at_most,
                        "median": {
                            name: median(results[scenario.name][name], figure.key) for name in names
                        },
                    }
                    for figure in scenario.figures
                },
                "rounds": {name: results[scenario.name][name] for name in names},
            }
            for scenario in scenarios
        },
    }
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{prefix}{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path
