"""Networks of 8 bits: speed beside the other engines, loading and memory beside torchvision's quantized builder."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import geometric_mean
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.harness import OURS, Row, Section, interleaved, process_prints, timed
from multiweight import models, quantize, store
from multiweight.catalogue import WeightsEnum, list_models
from tests.reference import torchvision

VARIANTS = ("resnet50", "mobilenet_v2")
BATCHES = {1: 31, 32: 5}
"""Pictures at once, and how many rounds."""

_FLOAT, _X86, _ONEDNN, _ORT, _OPENVINO = (
    "torchvision, float32",
    "torch.ao, x86",
    "torch.ao, onednn",
    "ONNX Runtime, int8",
    "OpenVINO, int8",
)

_ANY_NUMBER = ({0: torch.export.Dim.DYNAMIC},)

# In a process of its own: load, run one picture, and say by how much resident memory grew, less what one run of a
# network already there takes.
_SETTLED = """
import gc, re, sys, warnings
warnings.simplefilter("ignore")
import torch
torch.set_num_threads(1)
{prepare}
def resident():
    gc.collect()
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024
x = torch.rand(1, 3, 224, 224)
with torch.inference_mode():
    first = {build}
    first(x); first(x)
    before = resident()
    second = {build}
    second(x); second(x)
print((resident() - before) / {size})
"""


def sections() -> list[Section]:
    """Speed, loading and memory."""
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    return [_speed(), *_loading()]


def _speed() -> Section:
    rows: list[Row] = []
    missing: set[str] = set()
    for variant in VARIANTS:
        network, pictures = _trained(variant), torch.rand(8, 3, 224, 224)
        for batch, rounds in BATCHES.items():
            x = torch.rand(batch, 3, 224, 224)
            runs: dict[str, Callable[[], object]] = {
                OURS: partial(quantize(network, [pictures]), x),
                _FLOAT: partial(_of_torchvision(variant, network).eval(), x),
                _X86: partial(_eager(variant, network, pictures, "x86"), x),
                _ONEDNN: partial(_eager(variant, network, pictures, "onednn"), x),
            }
            for side, make in {_ORT: _onnx_runtime, _OPENVINO: _openvino}.items():
                try:
                    runs[side] = make(network, pictures, x)
                except ImportError as error:
                    missing.add(f"{side} (no {error.name})")
            expected = network(x).argmax(1)
            with torch.inference_mode():
                agreeing = [
                    f"{side}: {_agreement(run(), expected):.0%}" for side, run in runs.items() if side != _FLOAT
                ]
                figures = interleaved({side: timed(run) for side, run in runs.items()}, rounds=rounds, warmup=3)
            note = f"same best class as float, {batch} pictures: {'; '.join(agreeing)}" if batch > 1 else ""
            rows.append(Row(f"`{variant}`, {batch} × 3 × 224 × 224", "ms", figures, note))
            print(f"  {rows[-1].what}: {rows[-1].ratios()}", file=sys.stderr)
    about = (
        "One thread, medians of interleaved rounds. Random weights with batch norms that have seen pictures; each "
        "engine calibrated its own ranges on the same eight pictures: torch.ao by its default configuration, ONNX "
        "Runtime by `quantize_static` (QDQ, a scale a channel), OpenVINO by `nncf.quantize`."
    )
    if missing:
        about += f" Not measured, as the package is not installed: {', '.join(sorted(missing))}."
    return Section("8 bits: inference", about, rows)


def _agreement(scores: Any, expected: Tensor) -> float:
    return float((torch.as_tensor(scores).argmax(1) == expected).float().mean())


def _trained(variant: str) -> nn.Module:
    """A network with random weights whose features are spread as those of a trained one."""
    torch.manual_seed(0)
    network = models.get_model(variant, weights=None)
    with torch.no_grad():
        for _ in range(3):
            network(torch.rand(8, 3, 224, 224))
    return network.eval()


def _of_torchvision(variant: str, network: nn.Module) -> nn.Module:
    theirs = getattr(torchvision().models, variant)(weights=None)
    theirs.load_state_dict(network.state_dict())
    return theirs


def _eager(variant: str, network: nn.Module, pictures: Tensor, engine: str) -> nn.Module:
    ao = torch.ao.quantization
    before = torch.backends.quantized.engine
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Its builder of MobileNet would choose an engine of its own.
        theirs = getattr(torchvision().models.quantization, variant)(weights=None, quantize=False)
        theirs.load_state_dict(network.state_dict())
        theirs.eval()
        torch.backends.quantized.engine = engine
        theirs.qconfig = ao.get_default_qconfig(engine)
        theirs.fuse_model(is_qat=False)
        ao.prepare(theirs, inplace=True)
        with torch.no_grad():
            theirs(pictures)
        ao.convert(theirs, inplace=True)
    torch.backends.quantized.engine = before
    return theirs


def _onnx_runtime(network: nn.Module, pictures: Tensor, x: Tensor) -> Callable[[], Any]:
    import onnxruntime
    import onnxscript  # noqa: F401  (torch.onnx needs it)
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._left = [{"x": picture[None].numpy()} for picture in pictures]

        def get_next(self) -> Any:
            return self._left.pop() if self._left else None

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), _quiet():
        warnings.simplefilter("ignore")
        paths = [f"{folder}/{name}.onnx" for name in ("float", "prepared", "int8")]
        torch.onnx.export(network, (pictures,), paths[0], input_names=["x"], dynamic_shapes=_ANY_NUMBER, dynamo=True)
        quant_pre_process(paths[0], paths[1])
        told = {"quant_format": QuantFormat.QDQ, "per_channel": True}
        kinds = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}
        quantize_static(paths[1], paths[2], Reader(), **told, **kinds)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(paths[2], options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": x.numpy()})[0]


def _openvino(network: nn.Module, pictures: Tensor, x: Tensor) -> Callable[[], Any]:
    import nncf
    import openvino

    with warnings.catch_warnings(), _quiet():
        warnings.simplefilter("ignore")
        converted = openvino.convert_model(network, example_input=x)
        converted.reshape([len(x), 3, 224, 224])
        data = nncf.Dataset([picture.expand(len(x), -1, -1, -1).numpy() for picture in pictures])
        reduced = nncf.quantize(converted, data, subset_size=len(pictures))
        told = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
        compiled = openvino.Core().compile_model(reduced, "CPU", told)
    request = compiled.create_infer_request()
    return lambda: next(iter(request.infer({0: x.numpy()}, share_inputs=True).values()))


@contextlib.contextmanager
def _quiet() -> Any:
    """The converters print much."""
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)


def publish(variant: str) -> WeightsEnum:
    """Makes the file of random weights in the cache the quantized variant's default entry, in this process.

    It is what torchvision's quantized network of random weights saves, and of MobileNetV3, as it is published, the
    network in training.
    """
    entry: WeightsEnum = models.get_model_weights(variant)["DEFAULT"]
    theirs = torchvision().models.quantization
    reference = getattr(theirs, type(entry).__name__)[entry.name]
    folder = store.checkpoints_dir()
    folder.mkdir(parents=True, exist_ok=True)
    found = list(folder.glob(f"{variant}-*.pth"))
    if not found:
        path, name = folder / "new.pth", variant.removeprefix("quantized_")
        torch.manual_seed(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            heads = {"aux_logits": True} if name in ("googlenet", "inception_v3") else {}
            if name == "mobilenet_v3_large":
                network = theirs.mobilenet_v3_large(weights=None, quantize=False)
                network.fuse_model(is_qat=True)
                network.qconfig = torch.ao.quantization.get_default_qat_qconfig("qnnpack")
                torch.ao.quantization.prepare_qat(network, inplace=True)(torch.rand(4, 3, 96, 96))
            else:
                network = getattr(theirs, name)(weights=None, quantize=True, **heads)
        torch.save(network.state_dict(), path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        found = [path.rename(folder / f"{variant}-{digest[:8]}.pth")]
    url = f"https://download.pytorch.org/models/quantized/{found[0].name}"
    object.__setattr__(entry.value, "url", url)
    object.__setattr__(reference.value, "url", url)
    return entry


def _loading() -> list[Section]:
    time_rows: list[Row] = []
    memory_rows: list[Row] = []
    for variant in list_models(module="multiweight.models.quantization"):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["TORCH_HOME"] = folder
            entry = publish(variant)
            size = Path(store.local_path(entry.url)).stat().st_size
            loaded = {OURS: partial(load, models, variant), "torchvision": partial(load, torchvision().models, variant)}
            figures = interleaved({side: timed(work) for side, work in loaded.items()}, rounds=5)
            first = {side: process_prints(_first(variant, side)) for side in loaded}
            note = (
                f"{size / 2**20:.1f} MiB; the first in a process: {first[OURS]:.0f} ms and "
                f"{first['torchvision']:.0f} ms, {first['torchvision'] / first[OURS]:.1f}×"
            )
            time_rows.append(Row(f"`{variant}`", "ms", figures, note))
            print(f"  {variant}: {time_rows[-1].ratios()['torchvision']:.1f}; {note}", file=sys.stderr)
            if variant.removeprefix("quantized_") in VARIANTS:
                memory_rows.append(Row(f"`{variant}`", "× the file", _memory(variant, size)))
    ratios = [row.ratios()["torchvision"] for row in time_rows]
    return [
        Section(
            "8 bits: loading",
            "Published file in the cache → quantized model in evaluation mode, one thread, page cache warm, medians of "
            "5 interleaved rounds. Ours keeps the traced network of a variant for the next of its kind; the first in a "
            f"process has to trace it, and is beside.\n\nGeometric mean: **{geometric_mean(ratios):.1f}×**; least: "
            f"{min(ratios):.1f}×.",
            time_rows,
        ),
        Section(
            "8 bits: memory",
            "Growth of resident memory by a second network of the same file, loaded and run twice, its weights packed.",
            memory_rows,
        ),
    ]


_PREPARE = "from benchmarks.quantized import load, publish; publish({name!r}); {package}"
_PACKAGES = {
    OURS: "from multiweight import models as package",
    "torchvision": "from tests.reference import torchvision; package = torchvision().models; package.quantization",
}


def _first(variant: str, side: str) -> str:
    prepare = _PREPARE.format(name=variant, package=_PACKAGES[side])
    return (
        f"import time, torch\ntorch.set_num_threads(1)\n{prepare}\nfrom multiweight.models import quantization\n"
        f"start = time.perf_counter()\nload(package, {variant!r})\nprint((time.perf_counter() - start) * 1e3)"
    )


def _memory(variant: str, size: int) -> dict[str, float]:
    build = f"load(package, {variant!r})"
    return {
        side: process_prints(
            _SETTLED.format(prepare=_PREPARE.format(name=variant, package=package), build=build, size=size)
        )
        for side, package in _PACKAGES.items()
    }


def load(package: Any, variant: str) -> nn.Module:
    """The quantized network of a package, with its default weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return package.get_model(variant, weights="DEFAULT", quantize=True).eval()
