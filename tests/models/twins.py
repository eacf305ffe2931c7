"""A network beside torchvision's, made in the same way with the same seed."""

from importlib import import_module

import torch

from tests.reference import torchvision


def assert_same_tensors(ours, expected):
    ours, expected = dict(ours), dict(expected)
    assert list(ours) == list(expected)
    for key, tensor in expected.items():
        assert ours[key].dtype == tensor.dtype, key
        assert torch.equal(ours[key], tensor), key


def assert_twins(family, make, size=(2, 3, 40, 33)):
    """The same tensors, random draws, answers and gradients as torchvision's, in training and not.

    Args:
        family: The module's name in both packages.
        make: From the module to the network.
        size: Of the pictures.

    Returns:
        Our network, in eval mode.
    """
    models, drawn = [], []
    for package in ("multiweight", torchvision().__name__):
        module = import_module(f"{package}.models.{family}")
        torch.manual_seed(0)
        models.append(make(module))
        drawn.append(torch.rand(1))
    assert torch.equal(*drawn)
    ours, expected = models
    assert [name for name, _ in ours.named_modules()] == [name for name, _ in expected.named_modules()]
    assert_same_tensors(ours.state_dict(), expected.state_dict())
    pictures = torch.rand(size)
    for training in (True, False):
        answers, drawn = [], []
        for model in models:
            model.train(training).zero_grad()
            torch.manual_seed(1)
            answers.append(model(pictures))
            drawn.append(torch.rand(1))
            answers[-1].logsumexp(1).sum().backward()
        assert torch.equal(*answers)
        assert torch.equal(*drawn)
        assert_same_tensors(*(((key, each.grad) for key, each in model.named_parameters()) for model in models))
        assert_same_tensors(*(model.named_buffers() for model in models))
    return ours
