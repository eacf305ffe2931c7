"""Batch norm whose statistics are those of all processes together, on any device."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.modules.batchnorm import _BatchNorm

M = TypeVar("M", bound=nn.Module)


def synchronise_batch_norm(model: M, device: torch.device | str) -> M:
    """Makes all batch norms of a network take their statistics over all processes.

    On CUDA these are torch's `SyncBatchNorm`. That one refuses other devices, which get `SharedBatchNorm`. Names,
    parameters and buffers stay the same.

    Args:
        model: The network, not wrapped; it is changed.
        device: Where it will run.

    Returns:
        The network; another object only where it is itself a batch norm.
    """
    if torch.device(device).type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)  # pyright: ignore[reportReturnType]
    return _shared(model)  # pyright: ignore[reportReturnType]


def _shared(module: nn.Module) -> nn.Module:
    for name, child in list(module.named_children()):
        if (changed := _shared(child)) is not child:
            setattr(module, name, changed)
    return SharedBatchNorm(module) if isinstance(module, _BatchNorm) else module


class SharedBatchNorm(_BatchNorm):
    """Batch norm over all processes of `torch.distributed`, of whatever device the backend takes.

    In training its outputs, its gradients and its running statistics are those of an ordinary batch norm that sees the
    batches of all processes as one. Each process may have another number of pictures. In evaluation, and where there is
    but one process, it is an ordinary one.

    Args:
        original: The batch norm whose place it takes, parameters and buffers included.
    """

    def __init__(self, original: _BatchNorm) -> None:
        super().__init__(
            original.num_features, original.eps, original.momentum, original.affine, original.track_running_stats
        )
        self.weight, self.bias = original.weight, original.bias
        self.running_mean, self.running_var = original.running_mean, original.running_var
        self.num_batches_tracked = original.num_batches_tracked
        self.train(original.training)

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2:
            raise ValueError(f"Batch norm takes (N, C, …); got {tuple(input.shape)}.")

    def forward(self, input: Tensor) -> Tensor:
        """The input (N, C, …), normalised by channel over all processes."""
        shared = self.training and dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
        if not shared:
            return super().forward(input)
        self._check_input_dim(input)
        # Sums of half precision would lose most of the digits.
        wide = input.to(torch.promote_types(input.dtype, torch.float32))
        others = [axis for axis in range(wide.dim()) if axis != 1]
        column = (1, -1, *[1] * (wide.dim() - 2))
        pictures = wide.new_full((1,), wide.numel() / wide.shape[1])
        sums: Tensor = _SumOverProcesses.apply(torch.cat([wide.sum(others), pictures]))  # pyright: ignore[reportAssignmentType]
        count = sums[-1].detach()
        mean = sums[:-1] / count
        centred = wide - mean.view(column)
        # From the mean, not from the sum of squares, which cancels where the mean is large.
        variance: Tensor = _SumOverProcesses.apply(centred.square().sum(others)) / count  # pyright: ignore[reportOperatorIssue]
        self._keep(mean.detach(), variance.detach() * (count / (count - 1)))
        scale = (variance + self.eps).rsqrt()
        if self.weight is not None:
            scale = scale * self.weight
        output = centred * scale.view(column)
        if self.bias is not None:
            output = output + self.bias.view(column)
        return output.to(input.dtype)

    @torch.no_grad()
    def _keep(self, mean: Tensor, variance: Tensor) -> None:
        """Takes a batch's statistics into the running ones."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(variance.to(self.running_var.dtype), share)


class _SumOverProcesses(torch.autograd.Function):
    """The sum of a tensor over all processes; its gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        total = own.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total
