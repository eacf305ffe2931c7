"""The layers of quantized networks: int8 weights, uint8 activations, each with its scale and zero point.

A layer knows the scale and zero point of what comes in and of what goes out, so it can be used, saved and exported
alone. Which arithmetic it takes follows from its input: uint8 goes to oneDNN's kernels, whole numbers in float32 to
`arithmetic`, which gives the same numbers on any device, lets gradients pass and can be exported. `Quantize` decides.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from multiweight.layers.quantized import kernels
from multiweight.layers.quantized.arithmetic import (
    ACTIVATIONS,
    LARGEST,
    activate,
    add,
    conv2d_sums,
    dequantize,
    linear_sums,
    quantize,
    rescale,
    to_range,
)

_ops: Any = torch.ops.onednn

_PICTURE = 4
"""Up to so many channels it is a picture, which is put into channels-last order."""

_ROUNDS = float(2**23)


class QuantizedLayer(nn.Module):
    """What quantized layers have in common: numbers that belong to what comes in and what goes out.

    They are buffers, and so in the state dict; `numbers` has them as Python numbers, for kernels.
    """

    def __init__(self, *pairs: str) -> None:
        super().__init__()
        self._numbers: dict[str, Any] | None = None
        for pair in pairs:
            self.register_buffer(f"{pair}scale", torch.ones(()))
            self.register_buffer(f"{pair}zero_point", torch.zeros((), dtype=torch.int32))

    @property
    def numbers(self) -> dict[str, Any]:
        """Scales and zero points by name, and the scale's reciprocal, read once after they were last changed."""
        if self._numbers is None:
            self._numbers = {name: each.item() for name, each in self.named_buffers() if each.ndim == 0}
            if "scale" in self._numbers:
                self._numbers["reciprocal"] = self.get_buffer("scale").reciprocal().item()
        return self._numbers

    def set_numbers(self, pair: str, scale: float | Tensor, zero_point: int | Tensor) -> None:
        """Sets a scale and its zero point.

        Args:
            pair: What they belong to: `""` for what goes out, `"input_"` for what comes in, `"addend_"`.
            scale: What one step is worth.
            zero_point: The number that stands for 0.
        """
        for name, number, dtype in (("scale", scale, torch.float32), ("zero_point", zero_point, torch.int32)):
            # Not by setattr, which in a module takes longer than all the rest.
            number = number.detach().reshape(()) if isinstance(number, Tensor) else torch.tensor(number)
            self._buffers[pair + name] = number.to(dtype, copy=True)
        self.forget()

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self.forget()

    def _apply(self, *args: Any, **kwargs: Any) -> Any:
        # What is asked of the network's numbers (half(), to(bfloat16)) cannot be had of these.
        kept = {name: each for name, each in self.named_buffers(recurse=False) if each.is_floating_point()}
        moved = super()._apply(*args, **kwargs)
        for name, each in kept.items():
            setattr(self, name, each.to(getattr(self, name).device))
        self.forget()
        return moved

    def forget(self) -> None:
        """Drops what was made of the buffers, which is made again when it is needed."""
        self.__dict__["_numbers"] = None


class Quantize(QuantizedLayer):
    """From real values to whole numbers, in the form that suits what is to be done with them.

    uint8, for oneDNN's kernels, on an x86 processor that has them; float32 elsewhere, where a gradient is wanted, and
    while the network is exported or compiled, so that the program runs everywhere.
    """

    scale: Tensor
    zero_point: Tensor

    def __init__(self) -> None:
        super().__init__("")

    def forward(self, x: Tensor) -> Tensor:
        """Whole numbers from 0 to 255, of x's shape."""
        return self._bytes(x) if self._suits_kernels(x) else quantize(x, self.scale, self.zero_point)

    def _suits_kernels(self, x: Tensor) -> bool:
        traced, wants_gradient = torch.compiler.is_compiling(), x.requires_grad and torch.is_grad_enabled()
        return x.is_cpu and not traced and not wants_gradient and kernels.available()

    def _bytes(self, x: Tensor) -> Tensor:
        # One pass: a fused multiply-add, as in `arithmetic`.
        scaled = torch.add(self.zero_point.float(), x.float(), alpha=self.numbers["reciprocal"]).clamp_(0, LARGEST)
        if x.ndim != 4 or x.shape[1] > _PICTURE:
            return scaled.round_().to(torch.uint8)
        # Beyond 2²³ the sum is rounded to a whole number, of which the first byte is the one looked for.
        bytes_ = scaled.add_(_ROUNDS).contiguous().view(torch.uint8)[..., ::4]
        return torch.stack(bytes_.unbind(1), -1).permute(0, 3, 1, 2)


class Dequantize(QuantizedLayer):
    """From whole numbers to the real values that they stand for."""

    input_scale: Tensor
    input_zero_point: Tensor

    def __init__(self) -> None:
        super().__init__("input_")

    def forward(self, x: Tensor) -> Tensor:
        """Real values of x's shape, float32."""
        return dequantize(x, self.input_scale, self.input_zero_point)


class _WeightedLayer(QuantizedLayer):
    """A layer with an int8 weight, an activation, and real or whole numbers as its result."""

    weight: Tensor
    weight_scale: Tensor
    bias: Tensor
    scale: Tensor
    zero_point: Tensor
    input_scale: Tensor
    input_zero_point: Tensor

    def __init__(self, shape: tuple[int, ...], activation: str, dequantized: bool, *pairs: str) -> None:
        super().__init__("input_", *pairs, *(() if dequantized else ("",)))
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation is one of {', '.join(ACTIVATIONS)}; got {activation!r}.")
        self.activation = activation
        self.dequantized = dequantized
        self.register_buffer("weight", torch.empty(shape, dtype=torch.int8))
        self.register_buffer("weight_scale", torch.empty(shape[0]))
        self.register_buffer("bias", torch.empty(shape[0]))
        self.forget()

    def forget(self) -> None:
        """Drops what was made of the buffers, which is made again when it is needed."""
        super().forget()
        if "_packed" not in self.__dict__ or self._packed.used:
            self._packed = kernels.PackedWeight()

    def _numbers_told(self, packed: Tensor) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]:
        """What a kernel is told of input and weight, of the output, and of the activation."""
        numbers = self.numbers
        none = torch.zeros(len(self.weight), dtype=torch.int32)
        of_weight = packed, self.weight_scale, none
        out = (1.0, 0, torch.float32) if self.dequantized else (numbers["scale"], numbers["zero_point"], torch.uint8)
        before = numbers["input_scale"], numbers["input_zero_point"], *of_weight
        activation = self.activation
        if activation == "relu6" and not self.dequantized and 6 * numbers["reciprocal"] + numbers["zero_point"] > 254.5:
            # 6 is the largest number or beyond it, where all is cut off anyway: the same numbers for less work.
            activation = "relu"
        return before, out, kernels.ACTIVATIONS[activation]

    def _finish(self, sums: Tensor, shape: tuple[int, ...], addend: Tensor | None = None) -> Tensor:
        """From sums of products to the result, in plain arithmetic."""
        x = sums * self.input_scale * self.weight_scale.view(shape) + self.bias.view(shape)
        if self.dequantized:
            return activate(x, self.activation)
        if addend is None:
            return rescale(x, self.activation, self.scale, self.zero_point)
        told = addend, self.get_buffer("addend_scale"), self.get_buffer("addend_zero_point")
        return rescale(x, self.activation, self.scale, self.zero_point, *told)

    def extra_repr(self) -> str:
        """Shape and what follows the sums."""
        return f"{tuple(self.weight.shape)}, activation={self.activation!r}, dequantized={self.dequantized}"


class QuantizedConv2d(_WeightedLayer):
    """A convolution with an int8 weight; batch norm is folded into weight and bias.

    `activation(sum * input_scale * weight_scale + bias [+ addend])`, rounded to the output's scale and zero point.

    Args:
        in_channels: Channels that come in.
        out_channels: Channels that come out.
        kernel_size: Rows and columns.
        stride: Of rows and columns.
        padding: Rows and columns of zeros around the picture.
        dilation: Of rows and columns.
        groups: Into how many independent convolutions the channels are divided.
        activation: One of `"none"`, `"relu"`, `"relu6"`, `"hardswish"` and `"silu"`.
        dequantized: Whether real values come out, float32, instead of numbers.
        adds: Whether `forward` takes a second tensor, which is added before the activation, which is then `"none"` or
            `"relu"`.
        overwrites: Whether the second tensor may be overwritten, as nobody else needs it.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, int],
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
        *,
        activation: str = "none",
        dequantized: bool = False,
        adds: bool = False,
        overwrites: bool = False,
    ) -> None:
        shape = (out_channels, in_channels // groups, *kernel_size)
        super().__init__(shape, activation, dequantized, *(("addend_",) if adds else ()))
        if activation == "gelu" or (adds and (dequantized or activation not in ("none", "relu"))):
            raise ValueError(
                "A convolution has no GELU; with an addend it gives numbers and has no activation but ReLU."
            )
        self.stride, self.padding, self.dilation, self.groups = list(stride), list(padding), list(dilation), groups
        self.adds, self.overwrites = adds, overwrites
        # Windows with nothing but padding in them: the kernel gives anything for some (torch 2.13, AVX-512).
        sides = zip(kernel_size, padding, dilation, strict=True)
        self.reaches_out = any(around > gap * (side - 1) for side, around, gap in sides)

    def forward(self, x: Tensor, addend: Tensor | None = None) -> Tensor:
        """From numbers (N, in, H, W) to numbers, or real values, (N, out, H', W')."""
        # The kernel adds only what has the shape of the result.
        if x.dtype != torch.uint8 or self.reaches_out or (addend is not None and addend.shape != self._shape_for(x)):
            settings = self.stride, self.padding, self.dilation, self.groups
            sums = conv2d_sums(x.float() - self.input_zero_point, self.weight, *settings)
            result = self._finish(sums, (-1, 1, 1), addend)
            return result if self.dequantized else result.to(x.dtype)
        before, after = self._packed.told(self, x.shape)
        if addend is None:
            return _ops.qconv_pointwise.default(x, *before, *after)
        into = addend.contiguous if self.overwrites else addend.clone
        return _ops.qconv2d_pointwise.binary(x, *before, into(memory_format=torch.channels_last), *after)

    def _shape_for(self, x: Tensor) -> tuple[int, ...]:
        """The shape of the result for an input."""
        out, _, *kernel = self.weight.shape
        told = zip(x.shape[2:], kernel, self.stride, self.padding, self.dilation, strict=True)
        sides = [(size + 2 * around - gap * (side - 1) - 1) // step + 1 for size, side, step, around, gap in told]
        return len(x), out, *sides

    def scaled(self, x: Tensor, scale: Tensor) -> Tensor:
        """The same, of bytes, with another scale for the weight of each output channel (out,)."""
        before, after = self._packed.told(self, x.shape)
        return _ops.qconv_pointwise.default(x, *before[:3], scale, *before[4:], *after)

    def pack(self, shape: torch.Size) -> Tensor:
        """The weight in the order in which the kernel reads it for inputs of a shape."""
        numbers = self.numbers
        # The zero point counts: with one, sums of the weight are kept beside it.
        of_input = numbers["input_scale"], numbers["input_zero_point"]
        settings = self.stride, self.padding, self.dilation, self.groups
        return _ops.qconv_prepack(self.weight, self.weight_scale, *of_input, *settings, list(shape))

    def tell(self, packed: Tensor) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """What the kernel is told before and after the addend."""
        before, out, activation = self._numbers_told(packed)
        settings = self.bias, self.stride, self.padding, self.dilation, self.groups
        if not self.adds:
            return (*before, *settings, *out), activation
        numbers = self.numbers
        return before, (*settings, *out, numbers["addend_scale"], numbers["addend_zero_point"], "sum", 1.0, *activation)


class QuantizedLinear(_WeightedLayer):
    """A linear layer with an int8 weight.

    Args:
        in_features: Numbers that come in.
        out_features: Numbers that come out.
        activation: One of `"none"`, `"relu"`, `"relu6"`, `"hardswish"`, `"silu"` and `"gelu"`.
        dequantized: Whether real values come out, float32, instead of numbers.
    """

    def __init__(
        self, in_features: int, out_features: int, *, activation: str = "none", dequantized: bool = False
    ) -> None:
        super().__init__((out_features, in_features), activation, dequantized)

    def forward(self, x: Tensor) -> Tensor:
        """From numbers (…, in) to numbers, or real values, (…, out)."""
        if x.dtype != torch.uint8:
            return self._finish(linear_sums(x - self.input_zero_point, self.weight), (-1,))
        before, after = self._packed.told(self, x.shape)
        return _ops.qlinear_pointwise.default(x.contiguous(), *before, *after)

    def pack(self, shape: torch.Size) -> Tensor:
        """The weight in the order in which the kernel reads it for inputs of a shape."""
        return _ops.qlinear_prepack(self.weight, list(shape))

    def tell(self, packed: Tensor) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """What the kernel is told."""
        before, out, activation = self._numbers_told(packed)
        return (*before, self.bias, *out), activation


class QuantizedSum(QuantizedLayer):
    """The sum of two quantized tensors, for which no convolution stands.

    Args:
        activation: `"none"` or `"relu"`.
    """

    def __init__(self, activation: str = "none") -> None:
        super().__init__("input_", "addend_", "")
        if activation not in ("none", "relu"):
            raise ValueError(f"activation is 'none' or 'relu'; got {activation!r}.")
        self.activation = activation

    def forward(self, x: Tensor, addend: Tensor) -> Tensor:
        """From two tensors of numbers of one shape to numbers of that shape."""
        if x.dtype == torch.uint8 and x.shape == addend.shape:
            known = self.numbers
            pairs = [
                (each, known[f"{pair}scale"], known[f"{pair}zero_point"])
                for pair, each in (("input_", x), ("addend_", addend))
            ]
            return kernels.add(pairs, self.activation, known["reciprocal"], known["zero_point"])
        told = [
            (each.float(), self.get_buffer(f"{pair}scale"), self.get_buffer(f"{pair}zero_point"))
            for pair, each in (("input_", x), ("addend_", addend))
        ]
        return add(told, self.activation, self.get_buffer("scale"), self.get_buffer("zero_point")).to(x.dtype)

    def extra_repr(self) -> str:
        """What follows the sum."""
        return f"activation={self.activation!r}"


class Requantize(QuantizedLayer):
    """From numbers to numbers of another scale, by way of a gate and an activation.

    `activation(input_scale * (x - input_zero_point) [* gate])`, rounded to the output's scale and zero point. For
    oneDNN this is a convolution in which each channel sees only its own pixel, with a weight of 1.

    Args:
        activation: One of `"none"`, `"relu"`, `"relu6"`, `"hardswish"` and `"silu"`.
        gated: Whether `forward` takes one real value a channel, (N, C, 1, 1), to multiply with.
    """

    scale: Tensor
    zero_point: Tensor
    input_scale: Tensor
    input_zero_point: Tensor

    def __init__(self, activation: str = "none", *, gated: bool = False) -> None:
        super().__init__("input_", "")
        if activation not in ACTIVATIONS or activation == "gelu":
            raise ValueError(f"activation is one of {', '.join(ACTIVATIONS[:-1])}; got {activation!r}.")
        self.activation, self.gated = activation, gated
        self.forget()

    def forget(self) -> None:
        """Drops what was made of the buffers, which is made again when it is needed."""
        super().forget()
        self._identity: QuantizedConv2d | None = None

    def forward(self, x: Tensor, gate: Tensor | None = None) -> Tensor:
        """From numbers (N, C, H, W), or of any shape without a gate, to numbers of that shape."""
        suits = x.dtype == torch.uint8 and x.ndim == 4
        # The kernel knows gates of whole channels only.
        if not suits or (gate is not None and (len(x) == 0 or gate.shape != (*x.shape[:2], 1, 1))):
            return self._plain(x.float(), gate).to(x.dtype)
        identity = self._depthwise(x.shape[1])
        if gate is None:
            return identity(x)
        # The gate stands for the scale of the weight, of which a kernel knows one for all pictures.
        rows = [identity.scaled(x[n : n + 1], gate[n].flatten()) for n in range(len(x))]
        return rows[0] if len(rows) == 1 else torch.cat(rows)

    def _depthwise(self, channels: int) -> QuantizedConv2d:
        """The convolution that does the same, for a number of channels."""
        known = self._identity
        if known is None or len(known.weight) != channels:
            known = QuantizedConv2d(channels, channels, (1, 1), groups=channels, activation=self.activation)
            known.weight.fill_(1)
            known.weight_scale.fill_(1)
            known.bias.fill_(0)
            for name, number in self.named_buffers():
                setattr(known, name, number)
            # Not as a submodule: it is made of what is here.
            object.__setattr__(self, "_identity", known)
        return known

    def _plain(self, x: Tensor, gate: Tensor | None) -> Tensor:
        x = dequantize(x, self.input_scale, self.input_zero_point)
        return rescale(x if gate is None else x * gate, self.activation, self.scale, self.zero_point)

    def extra_repr(self) -> str:
        """What is done on the way."""
        return f"activation={self.activation!r}, gated={self.gated}"


class QuantizedFunction(QuantizedLayer):
    """An activation for which there is no kernel: to real values, through a function, to numbers again.

    Args:
        function: From real values to real values of the same shape.
    """

    def __init__(self, function: nn.Module) -> None:
        super().__init__("input_", "")
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        """From numbers to numbers of the same shape."""
        real = dequantize(x, self.get_buffer("input_scale"), self.get_buffer("input_zero_point"))
        return quantize(self.function(real), self.get_buffer("scale"), self.get_buffer("zero_point")).to(x.dtype)


class QuantizedReLU(QuantizedLayer):
    """A ReLU that follows nothing it could be part of: numbers below the zero point become the zero point."""

    def __init__(self) -> None:
        super().__init__("input_")

    def forward(self, x: Tensor) -> Tensor:
        """From numbers to numbers with the same scale and zero point."""
        return torch.maximum(x, self.get_buffer("input_zero_point").to(x.dtype))


class QuantizedAvgPool2d(QuantizedLayer):
    """Means over parts of the picture.

    Args:
        pool: An `nn.AvgPool2d` or `nn.AdaptiveAvgPool2d`.
        numbers: What comes out: `"own"` numbers, those with the input's scale and zero point (`"same"`), or real values
            (`"real"`).
    """

    def __init__(self, pool: nn.Module, numbers: str = "own") -> None:
        super().__init__("input_", *(("",) if numbers == "own" else ()))
        self.pool, self.gives = pool, numbers

    def forward(self, x: Tensor) -> Tensor:
        """From numbers (N, C, H, W) to numbers, or real values, (N, C, H', W')."""
        zero_point = self.get_buffer("input_zero_point")
        means = self.pool(x.float() - zero_point)
        if self.gives == "same":
            return to_range(means + zero_point).to(x.dtype)
        real = means * self.get_buffer("input_scale")
        if self.gives == "real":
            return real
        return rescale(real, "none", self.get_buffer("scale"), self.get_buffer("zero_point")).to(x.dtype)

    def extra_repr(self) -> str:
        """What comes out."""
        return f"numbers={self.gives!r}"


class QuantizedMaxPool2d(nn.Module):
    """The largest number in each window; the scale stays.

    Args:
        kernel_size: Rows and columns of a window.
        stride: From window to window.
        padding: Rows and columns around the picture.
        dilation: From number to number in a window.
        ceil_mode: Whether a last window may reach beyond the picture.
    """

    def __init__(
        self,
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int] = (0, 0),
        dilation: tuple[int, int] = (1, 1),
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding, self.dilation = kernel_size, stride, padding, dilation
        self.ceil_mode = ceil_mode

    def forward(self, x: Tensor) -> Tensor:
        """From numbers (N, C, H, W) to numbers (N, C, H', W')."""
        if x.dtype != torch.uint8:
            return F.max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)
        # torch has no such kernel for bytes. Rows, then columns, are compared whole.
        for axis in (0, 1):
            x = self._along(x, axis)
        return x

    def _along(self, x: Tensor, axis: int) -> Tensor:
        kernel, stride, padding = self.kernel_size[axis], self.stride[axis], self.padding[axis]
        dilation, dim, size = self.dilation[axis], axis + 2, x.shape[axis + 2]
        reach = dilation * (kernel - 1)
        count = (size + 2 * padding - reach - 1 + (stride - 1 if self.ceil_mode else 0)) // stride + 1
        if self.ceil_mode and (count - 1) * stride >= size + padding:
            count -= 1  # a window that would begin in the padding
        shape = [*x.shape]
        shape[dim] = count
        largest = torch.zeros(shape, dtype=x.dtype).to(memory_format=torch.channels_last)
        for first in range(0, reach + 1, dilation):
            # Windows whose number at this place is inside the picture; what is outside counts for nothing.
            start = first - padding
            low = max(0, -(start // stride))
            high = min(count, (size - 1 - start) // stride + 1)
            if high <= low:
                continue
            numbers = x.narrow(dim, start + low * stride, (high - low - 1) * stride + 1)
            numbers = numbers[:, :, ::stride] if axis == 0 else numbers[..., ::stride]
            part = largest.narrow(dim, low, high - low)
            torch.maximum(part, numbers, out=part)
        return largest

    def extra_repr(self) -> str:
        """The windows."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
