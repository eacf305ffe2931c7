"""Runs the measurements and writes `benchmarks/RESULTS.md`.

python -m benchmarks            # all
python -m benchmarks loading    # some; the other sections of the file stay as they are
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from benchmarks.harness import machine

MODULES = ("asking", "loading", "preprocessing", "augmenting", "engine", "predicting", "operators", "quantized")
RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> None:
    """Measures what is named, or everything."""
    chosen = sys.argv[1:] or list(MODULES)
    if unknown := set(chosen) - set(MODULES):
        sys.exit(f"There is no measurement {', '.join(sorted(unknown))}; there are {', '.join(MODULES)}.")
    known = _known()
    for name in chosen:
        print(f"measuring: {name}", file=sys.stderr)
        tables = "\n".join(section.markdown() for section in import_module(f"benchmarks.{name}").sections())
        known[name] = f"Measured on: {machine()} {datetime.now(UTC):%Y-%m-%d}.\n\n{tables}"
    parts = [f"<!-- {name} -->\n{known[name]}" for name in MODULES if name in known]
    head = (
        "# Results\n\nWritten by `make bench`. Timings on shared machines are noisy: the ratios, from interleaved "
        "rounds, are what to read.\n\n"
    )
    RESULTS.write_text(head + "\n".join(parts), encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


def _known() -> dict[str, str]:
    if not RESULTS.exists():
        return {}
    parts = re.split(r"<!-- (\w+) -->\n", RESULTS.read_text(encoding="utf-8"))[1:]
    return {name: text.rstrip("\n") + "\n" for name, text in zip(parts[::2], parts[1::2], strict=True)}


if __name__ == "__main__":
    main()
