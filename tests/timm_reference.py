"""timm as the reference, live; it needs torchvision importable, see tests/reference.py."""

import json
import warnings
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import torch
from torch import nn

from multiweight.models._builder import without_initialisation
from tests.reference import torchvision

FACTS = {
    variant: [fact for fact in facts if not fact["relation"].endswith("+pad")]
    for variant, facts in json.loads((Path(__file__).parent / "data/timm_weights.json").read_text())["variants"].items()
}
"""The 227 exact ones of the facts by variant."""


@lru_cache(maxsize=1)
def timm():
    """Imports timm."""
    torchvision()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module("timm")


def network(architecture, **options):
    """timm's network with random tensors and random batch-norm statistics, in eval mode."""
    with warnings.catch_warnings(), without_initialisation():
        warnings.simplefilter("ignore")
        model = timm().create_model(architecture, **options)
    return randomised(model)


@torch.no_grad()
def randomised(model):
    """The network with random numbers in every parameter and statistic, such that its features keep their size."""
    random = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.uniform_(-0.2, 0.2, generator=random)
            # Near to what comes in: further off, features grow with depth until rounding is all that is compared.
            module.running_var.uniform_(0.6, 1.4, generator=random)
        for name, parameter in module.named_parameters(recurse=False):
            if name == "weight" and parameter.ndim > 1:
                bound = (3 / parameter[0].numel()) ** 0.5
                parameter.uniform_(-bound, bound, generator=random)
            elif name == "weight":
                parameter.uniform_(0.6, 1.1, generator=random)
            elif name == "logit_scale":
                parameter.uniform_(1, 3, generator=random)
            else:
                parameter.uniform_(-0.3, 0.3, generator=random)
    return model.eval().requires_grad_(False)
