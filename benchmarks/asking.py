"""What asking costs: imports, and a listing as a whole process."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from benchmarks.harness import OURS, Row, Section, interleaved, process_cpu, process_prints

_SHIM = "from tests.reference import torchvision; torchvision()"
_LIST = "import sys; sys.argv = ['multiweight', 'list']; from multiweight.cli import main; main()"
_LIST_MODELS = f"{_SHIM}.models; print(torchvision().models.list_models())"


def _import(code: str, *, after: str = "import time") -> Callable[[], float]:
    """What an import costs in CPU time, in milliseconds, in a fresh process that has imported something before."""
    script = f"import time; {after}; start = time.process_time(); {code}; print((time.process_time() - start) * 1e3)"
    return lambda: process_prints(script)


def sections() -> list[Section]:
    """Imports above what they stand on, and a listing."""
    rounds = 9
    door = {OURS: _import("import multiweight")}
    models = {
        OURS: _import("import multiweight.models", after="import torch"),
        "torchvision": _import(f"{_SHIM}.models", after="import torch, torch.library, tests.reference"),
    }
    listing = {OURS: lambda: process_cpu(_LIST), "torchvision": lambda: process_cpu(_LIST_MODELS)}
    if find_spec("timm"):
        models["timm"] = _import("import timm", after=f"import torch; {_SHIM}")
        listing["timm"] = lambda: process_cpu(f"{_SHIM}; import timm; print(timm.list_pretrained())")
    return [
        Section(
            "Asking",
            f"CPU time in fresh processes, medians of {rounds} interleaved rounds.",
            [
                Row("`import multiweight`, above the interpreter", "ms", interleaved(door, rounds=rounds)),
                Row(
                    "`import multiweight.models`, above `import torch`",
                    "ms",
                    interleaved(models, rounds=rounds),
                    "timm's stands on torchvision's, which is not counted",
                ),
                Row(
                    "listing the weights, the whole process",
                    "ms",
                    interleaved(listing, rounds=rounds),
                    "`multiweight list` prints every figure; the peers names only",
                ),
            ],
        )
    ]
