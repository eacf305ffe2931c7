"""Loading takes little more memory than the file, and no time for random numbers."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from multiweight.models import get_model_weights
from tests.models.support import network_of, tensors_of

# What a process has at most in memory, by the kernel's own account, since that account was reset.
SCRIPT = """
import gc, re, sys
import torch
from multiweight.catalogue import WeightsEnum
from multiweight.models import get_model, get_model_builder
from multiweight.store.load import read_state_dict
from pathlib import Path

torch.set_num_threads(1)
variant, path = sys.argv[1:]
WeightsEnum.get_state_dict = lambda self, **options: read_state_dict(Path(path), name="the file")


def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024


get_model("squeezenet1_1")
get_model_builder(variant)  # a task's package is imported when it is first used
gc.collect()
Path("/proc/self/clear_refs").write_text("5")
before = peak()
model = get_model(variant, weights="DEFAULT").eval()
for tensor in model.state_dict().values():
    tensor.sum()
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux can reset a process's peak")
@pytest.mark.parametrize(
    "variant",
    [
        *("efficientnet_b7", "resnet50", "swin_t", "wide_resnet101_2", "vit_b_16"),
        *("fasterrcnn_resnet50_fpn", "deeplabv3_resnet50", "swin3d_t"),
    ],
)
def test_the_peak_is_little_more_than_the_file(variant, tmp_path, monkeypatch):
    path = tmp_path / "weights.pth"
    torch.save(tensors_of(variant, network_of(get_model_weights(variant).DEFAULT, monkeypatch)), path)
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, variant, str(path)], capture_output=True, text=True, timeout=300, check=True
    )
    assert int(ran.stdout) <= 1.15 * path.stat().st_size
    assert int(ran.stdout) >= 0.5 * path.stat().st_size  # or nothing was measured
