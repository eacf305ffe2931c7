"""What asking costs: imports and `list`, as whole processes."""

from __future__ import annotations

from importlib.util import find_spec

from benchmarks.harness import OURS, Row, Section, interleaved, process_cpu

_REFERENCE = "from tests.reference import torchvision; torchvision().models"
_LIST_MODELS = "from tests.reference import torchvision; print(torchvision().models.list_models())"
_COMMAND = "import sys; sys.argv = ['multiweight', 'list']; from multiweight.cli import main; main()"


def sections() -> list[Section]:
    """Imports above what they stand on, and a listing."""
    rounds = 9
    sides = {
        "python": lambda: process_cpu("pass"),
        "door": lambda: process_cpu("import multiweight"),
        "torch": lambda: process_cpu("import torch"),
        "models": lambda: process_cpu("import torch; import multiweight.models"),
        "torchvision": lambda: process_cpu(f"import torch; {_REFERENCE}"),
        "list": lambda: process_cpu(_COMMAND),
        "list_models": lambda: process_cpu(_LIST_MODELS),
    }
    if find_spec("timm"):
        shim = "from tests.reference import torchvision; torchvision()"
        sides["timm"] = lambda: process_cpu(f"import torch; {shim}; import timm")
        sides["timm list"] = lambda: process_cpu(f"{shim}; import timm; print(timm.list_pretrained())")
    cost = interleaved(sides, rounds=rounds)
    imports = {OURS: cost["models"] - cost["torch"], "torchvision": cost["torchvision"] - cost["torch"]}
    listing = {OURS: cost["list"], "torchvision": cost["list_models"]}
    if "timm" in cost:
        imports["timm"] = cost["timm"] - cost["torch"]
        listing["timm"] = cost["timm list"]
    return [
        Section(
            "Asking",
            f"CPU time of whole processes (user and system), medians of {rounds} interleaved rounds.",
            [
                Row("`import multiweight`, above the interpreter", "ms", {OURS: cost["door"] - cost["python"]}),
                Row(
                    "`import multiweight.models`, above `import torch`", "ms", imports, "timm's includes torchvision's"
                ),
                Row(
                    "listing the weights", "ms", listing, "`multiweight list` prints every figure; the peers names only"
                ),
            ],
        )
    ]
