"""Interleaved rounds, medians, ratios and the description of the machine."""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

OURS = "multiweight"


@dataclass
class Row:
    """One thing measured on several sides in the same rounds.

    Attributes:
        what: What was measured.
        unit: Of the figures.
        figures: The median by side, ours first.
        note: What a reader must know.
    """

    what: str
    unit: str
    figures: Mapping[str, float]
    note: str = ""

    def ratios(self) -> dict[str, float]:
        """How many times ours each other side's figure is."""
        return {side: figure / self.figures[OURS] for side, figure in self.figures.items() if side != OURS}


@dataclass
class Section:
    """A table of the results."""

    title: str
    about: str
    rows: list[Row] = field(default_factory=list)

    def markdown(self) -> str:
        """The table, with a column a side and the peers' ratios to ours."""
        sides = list(dict.fromkeys(side for row in self.rows for side in row.figures))
        peers = [side for side in sides if side != OURS]
        head = ["", *sides, *(f"{peer} / ours" for peer in peers), ""]
        lines = [f"## {self.title}", "", self.about, "", _line(head), _line(["---"] * len(head))]
        for row in self.rows:
            figures = [f"{row.figures[side]:.4g} {row.unit}" if side in row.figures else "" for side in sides]
            ratios = [f"**{row.ratios()[peer]:.2f}×**" if peer in row.figures else "" for peer in peers]
            lines.append(_line([row.what, *figures, *ratios, row.note]))
        return "\n".join(lines) + "\n"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def interleaved(sides: Mapping[str, Callable[[], float]], *, rounds: int, warmup: int = 1) -> dict[str, float]:
    """Calls each side in turn, round after round.

    Args:
        sides: Functions that do the work once and return what it cost.
        rounds: How many counted rounds.
        warmup: How many before them.

    Returns:
        The median by side.
    """
    costs: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(warmup + rounds):
        for side, measure in sides.items():
            cost = measure()
            if number >= warmup:
                costs[side].append(cost)
    return {side: statistics.median(values) for side, values in costs.items()}


def timed(work: Callable[[], object], *, scale: float = 1e3, repeats: int = 1) -> Callable[[], float]:
    """A function that does the work and returns what one repeat took, in milliseconds unless scaled."""

    def measure() -> float:
        start = time.perf_counter()
        for _ in range(repeats):
            work()
        return (time.perf_counter() - start) * scale / repeats

    return measure


def process_cpu(code: str, *, environment: Mapping[str, str] | None = None) -> float:
    """Runs Python code as a whole process; its CPU time in milliseconds, user and system."""
    command = [sys.executable, "-c", code]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1e3


def process_prints(code: str, *, environment: Mapping[str, str] | None = None) -> float:
    """Runs Python code as a whole process and returns the number it prints last."""
    run = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    return float(run.stdout.split()[-1])


def machine() -> str:
    """What was measured on, in a sentence or two."""
    import numpy
    import PIL
    import torch

    from tests.reference import torchvision

    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        cpu = next((line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line), cpu)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GiB; {platform.system()}, Python {platform.python_version()}, "
        f"torch {torch.__version__}, torchvision {torchvision().__version__} (its Python code), "
        f"Pillow {PIL.__version__}, numpy {numpy.__version__}."
    )
