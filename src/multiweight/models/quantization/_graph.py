"""From a float network to one of 8-bit layers: the same graph, its layers fused and replaced.

A network is traced symbolically. What cannot be traced, because its Python asks for shapes, is left as it is, and its
children are tried instead; attention and layer norm stay in float. In the graph, convolutions and linear layers become
quantized ones, with the batch norm and the activation that follow; what stands between two of them (additions,
concatenations, pooling, gates) works on the numbers too, and what leads to none stays in float.

Nothing here knows a family, or what the weights are: `calibrate` and `_published` fill in the numbers.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import fx, nn

from multiweight.layers.quantized import (
    Dequantize,
    Quantize,
    QuantizedAvgPool2d,
    QuantizedConv2d,
    QuantizedFunction,
    QuantizedLinear,
    QuantizedMaxPool2d,
    QuantizedReLU,
    QuantizedSum,
    Requantize,
)
from multiweight.models.quantization._network import QuantizedNetwork

_ACTIVATIONS: dict[Any, str] = {
    nn.ReLU: "relu",
    nn.ReLU6: "relu6",
    nn.Hardswish: "hardswish",
    nn.SiLU: "silu",
    nn.GELU: "gelu",
    F.relu: "relu",
    torch.relu: "relu",
    F.relu6: "relu6",
    F.hardswish: "hardswish",
    F.silu: "silu",
}
_GATES = (nn.Sigmoid, nn.Hardsigmoid)
_POOLS: dict[Any, type[nn.Module]] = {
    F.adaptive_avg_pool2d: nn.AdaptiveAvgPool2d,
    F.avg_pool2d: nn.AvgPool2d,
    F.max_pool2d: nn.MaxPool2d,
}
_SUMS, _PRODUCTS = (operator.add, operator.iadd, torch.add), (operator.mul, operator.imul, torch.mul)
_IDENTITIES = (nn.Dropout, nn.Identity)
_ATTENTION = re.compile(r"Attention(V\d+)?$")
_PASSING_METHODS = ("flatten", "unflatten", "transpose", "permute", "chunk", "reshape", "view", "contiguous")
_PASSING_FUNCTIONS = (torch.flatten, torch.permute, torch.chunk, operator.getitem)
_SPLITS = ("chunk", torch.chunk)

# Of the activations of a convolution, and of an addition.
_AFTER_CONV, _AFTER_SUM = ("relu", "relu6", "hardswish", "silu"), ("relu",)


@dataclass(eq=False)
class Step:
    """Some nodes of the float graph that become one layer.

    Attributes:
        kind: `"conv"`, `"linear"`, `"norm"`, `"activation"`, `"gate"`, `"sum"`, `"product"`, `"cat"`, `"avgpool"`,
            `"maxpool"`, `"pass"` or `"float"`.
        inputs: The nodes that it takes.
        end: The node whose value it gives.
        path: The name of the layer.
        norm: The name of the batch norm that is folded into it.
        activation: The one that it ends with.
        addend: A step that is computed together with this one, which adds to it.
    """

    kind: str
    inputs: list[fx.Node]
    end: fx.Node
    path: str
    norm: str | None = None
    activation: str = "none"
    module: nn.Module | None = None
    natural: bool = False
    wanted: bool = False
    sum: Step | None = None

    @property
    def quantized(self) -> bool:
        """Whether it gives whole numbers."""
        return self.natural and self.wanted


@dataclass
class Source:
    """Where the numbers of a quantized layer come from.

    Attributes:
        layer: The name of the float layer, for one with a weight.
        norm: The name of the batch norm to fold in.
        value: The node of the float graph whose values the output stands for; `None` for real values.
        group: Layers with the same group have the same scale and zero point.
        inputs: By prefix (`"input_"`, `"addend_"`), the name of the layer whose numbers come in.
    """

    layer: str | None = None
    norm: str | None = None
    value: fx.Node | None = None
    group: str = ""
    inputs: dict[str, str] = field(default_factory=dict[str, str])


@dataclass
class Region:
    """A part of a network that is traced.

    Attributes:
        path: Its name in the network; empty for all of it.
        root: The float module.
        graph: The float graph.
        quantized: The graph with quantized layers.
        sources: By the name of a quantized layer, where its numbers come from.
    """

    path: str
    root: nn.Module
    graph: fx.Graph
    quantized: QuantizedNetwork
    sources: dict[str, Source]


def regions(network: nn.Module, *, stepwise: bool = False) -> Iterator[Region]:
    """Traces and converts the parts of a network that can be.

    Args:
        network: A float network, in evaluation mode. It is not changed; its parts that stay in float are shared.
        stepwise: Whether every operation rounds its result, as torch's eager quantization did; else what follows a
            convolution is computed with it, and gates in float.

    Yields:
        Each part with its quantized form, whose numbers are yet to be filled in.
    """
    yield from _regions("", network, stepwise)


def assemble(network: nn.Module, parts: list[Region]) -> nn.Module:
    """Puts the quantized parts into a network; a network that is one part becomes it.

    Args:
        network: The float network; it is changed.
        parts: What `regions` gave for it.
    """
    for part in parts:
        if part.path == "":
            return part.quantized
        parent, _, name = part.path.rpartition(".")
        setattr(network.get_submodule(parent), name, part.quantized)
    return network


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return _stays_whole(m) or super().is_leaf_module(m, module_qualified_name)


def _stays_whole(module: nn.Module) -> bool:
    return isinstance(module, nn.LayerNorm) or _ATTENTION.search(type(module).__name__) is not None


def _regions(path: str, module: nn.Module, stepwise: bool) -> Iterator[Region]:
    if _stays_whole(module) or not any(isinstance(each, nn.Conv2d | nn.Linear) for each in module.modules()):
        return
    root = nn.Sequential(module) if isinstance(module, nn.Conv2d | nn.Linear) else module
    try:
        tracer = _Tracer()
        graph = tracer.trace(root)
    except Exception:  # a forward that cannot be traced may raise anything
        for name, child in module.named_children():
            yield from _regions(f"{path}.{name}".lstrip("."), child, stepwise)
        return
    converter = _Converter(root, graph, stepwise)
    quantized, sources = converter.convert()
    if any(source.layer for source in sources.values()):
        yield Region(path, root, graph, quantized, sources)


class _Converter:
    """Turns the graph of one region into one of quantized layers."""

    def __init__(self, root: nn.Module, graph: fx.Graph, stepwise: bool) -> None:
        self._root, self._graph, self._stepwise = root, graph, stepwise
        self._modules = dict(root.named_modules())
        self._steps: dict[fx.Node, Step] = {}  # by each of their nodes
        self._order: list[Step] = []
        self._named: dict[str, int] = {}
        self._new = fx.Graph()
        self._layers: dict[str, Any] = {}
        self._sources: dict[str, Source] = {}
        self._numbers: dict[fx.Node, fx.Node] = {}
        self._reals: dict[fx.Node, fx.Node] = {}
        self._giver: dict[fx.Node, str] = {}  # the layer that a node's numbers have their scale from

    def convert(self) -> tuple[QuantizedNetwork, dict[str, Source]]:
        self._follow_writes()
        self._drop_identities()
        self._group()
        self._decide()
        if not self._stepwise:
            self._join_sums()
        for step in self._order:
            self._emit(step)
        self._mark_overwritten()
        self._new.lint()
        quantized = QuantizedNetwork(type(self._root).__name__, self._layers, self._new)
        return quantized, self._sources

    def _follow_writes(self) -> None:
        """What an activation changed in place is, for all who take it later, what it was changed to."""
        places = {node: place for place, node in enumerate(self._graph.nodes)}
        for node in self._graph.nodes:
            module = self._modules.get(str(node.target)) if node.op == "call_module" else None
            by_method = node.op == "call_method" and str(node.target).endswith("_")
            if node.args and (by_method or node.kwargs.get("inplace") or getattr(module, "inplace", False)):
                written, place = cast("fx.Node", node.args[0]), places[node]
                written.replace_all_uses_with(node, lambda user, place=place: places[user] > place)

    def _drop_identities(self) -> None:
        for node in list(self._graph.nodes):
            module = self._modules.get(str(node.target)) if node.op == "call_module" else None
            if isinstance(module, _IDENTITIES) or (node.op == "call_function" and node.target is F.dropout):
                node.replace_all_uses_with(node.args[0])
                self._graph.erase_node(node)

    def _group(self) -> None:
        for node in self._graph.nodes:
            if node in self._steps:
                continue
            step = self._step(node)
            if step.kind in ("conv", "linear", "norm", "sum"):
                if step.kind == "conv" and (norm := self._norm_after(step.end)):
                    step.norm, step.end = str(norm.target), norm
                self._join_activation(step)
            self._order.append(step)
            self._steps[node] = self._steps[step.end] = step
        # A step stands where its last node does.
        places = {node: place for place, node in enumerate(self._graph.nodes)}
        self._order.sort(key=lambda step: places[step.end])

    def _join_activation(self, step: Step) -> None:
        allowed = {"sum": _AFTER_SUM, "linear": tuple(_ACTIVATIONS.values())}.get(step.kind, _AFTER_CONV)
        if self._stepwise:
            allowed = _AFTER_SUM
        before = step.end
        user = next(iter(before.users), None)
        if user is not None and len(before.users) == 1 and self._activation(user) in allowed:
            step.activation, step.end = str(self._activation(user)), user
            self._steps[before] = step

    def _norm_after(self, node: fx.Node) -> fx.Node | None:
        """The batch norm that alone takes a node's value."""
        user = next(iter(node.users), None)
        if user is None or len(node.users) > 1 or user.op != "call_module":
            return None
        return user if _kind_of_module(self._modules[str(user.target)]) == "norm" else None

    def _activation(self, node: fx.Node) -> str | None:
        if node.op == "call_module":
            module = self._modules[str(node.target)]
            if isinstance(module, nn.GELU) and module.approximate != "none":
                return None
            return _ACTIVATIONS.get(type(module))
        return _ACTIVATIONS.get(node.target) if node.op == "call_function" else None

    def _step(self, node: fx.Node) -> Step:
        """What a node is, alone."""
        kind, module, inputs = "float", None, list(node.all_input_nodes)
        if node.op == "call_module":
            module = self._modules[str(node.target)]
            kind = _kind_of_module(module)
        elif node.op == "call_function":
            target = cast("Callable[..., Any]", node.target)
            if target in _SUMS or target in _PRODUCTS:
                # One of them may be there twice; `alpha` is a keyword.
                if len(node.args) == 2 and all(isinstance(each, fx.Node) for each in node.args) and not node.kwargs:
                    kind, inputs = "sum" if target in _SUMS else "product", list(cast("Any", node.args))
            elif target is torch.cat and _axis(node) == 1:
                kind, inputs = "cat", list(cast("Any", node.args[0] if node.args else node.kwargs["tensors"]))
            elif target in _POOLS:
                module = _pool(node)
                kind = "float" if module is None else _kind_of_module(module)
            elif target in _PASSING_FUNCTIONS:
                kind = "pass"
        elif node.op == "call_method" and node.target in _PASSING_METHODS:
            kind = "pass"
        elif node.op == "call_method" and node.target == "mean" and list(node.args[1:]) == [[2, 3]] and not node.kwargs:
            kind, module = "avgpool", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1))
        if kind == "float" and self._activation(node):
            kind = "activation"
        return Step(
            kind, inputs, node, self._path(node, kind), module=module, activation=self._activation(node) or "none"
        )

    def _path(self, node: fx.Node, kind: str) -> str:
        """The name of what a node becomes: of its module, or of where its function is called."""
        if node.op == "call_module":
            return str(node.target)
        stack = list(node.meta.get("nn_module_stack", {}).values())
        scope = stack[-1][0] if stack else ""
        path = f"{scope}.{node.name if kind in ('float', 'pass') else kind}".lstrip(".")
        number = self._named[path] = self._named.get(path, 0) + 1
        return path if number == 1 else f"{path}_{number}"

    def _decide(self) -> None:
        """Finds the steps that are on a way between two layers with weights; these work on numbers."""
        for step in self._order:
            step.natural = self._is_natural(step, [self._steps[each] for each in step.inputs])
        for step in reversed(self._order):
            users = [self._steps[user] for user in step.end.users]
            takers = [user.kind in ("conv", "linear") or user.quantized for user in users]
            # Real values come out of a layer with a weight at no cost, and are rounded once less for who takes such.
            step.wanted = self._stepwise or (all(takers) if step.kind in ("conv", "linear") else any(takers))
            if step.wanted and step.end.target in _SPLITS:
                for user in users:  # of which some may be wanted by none
                    user.wanted = True

    def _is_natural(self, step: Step, inputs: list[Step]) -> bool:
        """Whether a step can give numbers: it has a weight, or all that it takes are numbers already."""
        if step.kind in ("conv", "linear"):
            return True
        if step.kind == "product":
            gates = [each for each in inputs if each.kind == "gate"]
            return bool(gates) and any(each.natural for each in inputs if each not in gates)
        if step.kind == "float" or (step.kind == "gate" and not self._stepwise):
            return False
        if step.kind == "activation" and step.activation not in (_AFTER_CONV if self._stepwise else _AFTER_SUM):
            return False
        return all(each.natural for each in inputs)

    def _join_sums(self) -> None:
        """A sum with what a convolution gives is computed by the convolution."""
        for step in self._order:
            if step.kind != "sum" or not step.quantized:
                continue
            # The last one: what the other operand needs is then there already.
            for place in (1, 0):
                operand, other = self._steps[step.inputs[place]], step.inputs[1 - place]
                alone = len(operand.end.users) == 1 and other is not operand.end
                if operand.kind == "conv" and operand.sum is None and operand.activation == "none" and alone:
                    operand.sum = step
                    break

    def _emit(self, step: Step) -> None:
        node = step.end
        if step.kind == "float" or (not step.quantized and step.kind not in ("conv", "linear")):
            self._emit_float(step)
        elif step.kind in ("conv", "linear"):
            if step.sum is None:
                self._emit_weighted(step, node, step.activation)
        elif step.kind == "sum":
            joined = next((s for s in map(self._steps.__getitem__, step.inputs) if s.sum is step), None)
            if joined is not None:
                other = step.inputs[0] if step.inputs[1] is joined.end else step.inputs[1]
                self._emit_weighted(joined, node, step.activation, other)
            else:
                x, other = (self._number(each) for each in step.inputs)
                layer = QuantizedSum(step.activation)
                self._add(step.path, layer, node, x, other, prefixes=("input_", "addend_"))
        elif step.kind == "norm":
            norm = cast("nn.BatchNorm2d", step.module)
            channels = norm.num_features
            layer = QuantizedConv2d(channels, channels, (1, 1), groups=channels, activation=step.activation)
            self._add(step.path, layer, node, self._number(step.inputs[0]), weight=step.path)
        elif step.kind == "product":
            places = [place for place in (0, 1) if self._steps[step.inputs[place]].kind == "gate"]
            gate, x = step.inputs[places[0]], step.inputs[1 - places[0]]
            self._add(step.path, Requantize(gated=True), node, self._number(x), self._real(gate))
        elif step.kind == "activation":
            x = self._number(step.inputs[0])
            if step.activation == "relu":
                self._keep_numbers(step.path, QuantizedReLU(), node, x)
            else:
                self._add(step.path, Requantize(step.activation), node, x)
        elif step.kind == "gate":
            self._add(step.path, QuantizedFunction(cast("nn.Module", step.module)), node, self._number(step.inputs[0]))
        elif step.kind == "avgpool":
            x, pool = self._number(step.inputs[0]), cast("nn.Module", step.module)
            if self._stepwise and node.op == "call_method":  # which torch did in float
                both = {"input_": self._giver[x], "": self._giver[x]}
                self._numbers[node] = self._call(step.path, QuantizedFunction(pool), [x], (), Source(inputs=both))
            elif self._stepwise:
                self._keep_numbers(step.path, QuantizedAvgPool2d(pool, "same"), node, x)
            else:
                self._add(step.path, QuantizedAvgPool2d(pool), node, x)
        elif step.kind == "maxpool":
            self._keep_numbers(
                step.path, _max_pool(cast("nn.MaxPool2d", step.module)), node, self._number(step.inputs[0])
            )
        elif step.kind == "cat":
            self._emit_cat(step)
        else:
            x = self._number(step.inputs[0])
            self._numbers[node] = self._copy(node, self._number)
            self._giver[self._numbers[node]] = self._giver[x]

    def _emit_float(self, step: Step) -> None:
        nodes = [each for each in self._graph.nodes if self._steps[each] is step]
        for each in nodes:  # a sum and its activation are two
            self._reals[each] = self._copy(each, self._real)

    def _emit_weighted(self, step: Step, end: fx.Node, activation: str, addend: fx.Node | None = None) -> None:
        quantized = self._steps[end].quantized
        x = self._number(step.inputs[0])
        if isinstance(float_layer := self._modules[step.path], nn.Linear):
            shape = float_layer.in_features, float_layer.out_features
            layer: nn.Module = QuantizedLinear(*shape, activation=activation, dequantized=not quantized)
        else:
            conv = cast("nn.Conv2d", float_layer)
            layer = QuantizedConv2d(
                conv.in_channels,
                conv.out_channels,
                cast("tuple[int, int]", conv.kernel_size),
                cast("tuple[int, int]", conv.stride),
                cast("tuple[int, int]", conv.padding),
                cast("tuple[int, int]", conv.dilation),
                conv.groups,
                activation=activation,
                dequantized=not quantized,
                adds=addend is not None,
            )
        others = () if addend is None else (self._number(addend),)
        prefixes = ("input_", "addend_")[: 1 + len(others)]
        self._add(
            step.path, layer, end, x, *others, weight=step.path, norm=step.norm, prefixes=prefixes, real=not quantized
        )

    def _emit_cat(self, step: Step) -> None:
        node = step.end
        inputs = [self._number(each) for each in step.inputs]
        if self._stepwise:
            inputs = [
                self._call(f"{step.path}.{place}", Requantize(), [x], ("input_",), Source(value=node, group=step.path))
                for place, x in enumerate(inputs)
            ]
        self._numbers[node] = self._new.call_function(torch.cat, (inputs, 1))
        first = self._giver[inputs[0]]
        self._giver[self._numbers[node]] = first
        for x in inputs[1:]:
            self._unite(first, self._giver[x])

    def _unite(self, one: str, other: str) -> None:
        kept, gone = self._sources[one].group, self._sources[other].group
        for source in self._sources.values():
            if source.group == gone:
                source.group = kept

    def _add(
        self,
        path: str,
        layer: nn.Module,
        end: fx.Node,
        *inputs: fx.Node,
        weight: str | None = None,
        norm: str | None = None,
        prefixes: tuple[str, ...] = ("input_",),
        real: bool = False,
    ) -> None:
        """Adds a layer with numbers, or real values, of its own."""
        source = Source(weight, norm, None if real else end, path)
        new = self._call(path, layer, list(inputs), prefixes, source)
        (self._reals if real else self._numbers)[end] = new

    def _keep_numbers(self, path: str, layer: nn.Module, end: fx.Node, x: fx.Node) -> None:
        """Adds a layer whose output has its input's scale and zero point."""
        giver = self._giver[x]
        prefixes = ("input_",) if hasattr(layer, "input_scale") else ()
        new = self._call(path, layer, [x], prefixes, Source())
        self._numbers[end], self._giver[new] = new, giver

    def _call(
        self, path: str, layer: nn.Module, inputs: list[fx.Node], prefixes: tuple[str, ...], source: Source
    ) -> fx.Node:
        path = self._free(path)
        for prefix, x in zip(prefixes, inputs, strict=False):
            source.inputs[prefix] = self._giver[x]
        source.group = source.group or path
        self._layers[path], self._sources[path] = layer, source
        new = self._new.call_module(path, tuple(inputs))
        self._giver[new] = path
        return new

    def _free(self, path: str) -> str:
        """The path, numbered if another layer has it."""
        tried, number = path, 1
        while tried in self._layers:
            number += 1
            tried = f"{path}_{number}"
        return tried

    def _number(self, node: fx.Node) -> fx.Node:
        """The node that gives a value as numbers."""
        if node not in self._numbers:
            x, path = self._reals[node], f"{self._steps[node].path}_quantize"
            # The first one is of the pictures, if need be after their colours were turned round.
            path = path if "quantize" in self._layers else "quantize"
            self._numbers[node] = self._call(path, Quantize(), [x], (), Source(value=node))
        return self._numbers[node]

    def _real(self, node: fx.Node) -> fx.Node:
        """The node that gives a value as real numbers."""
        if node not in self._reals:
            path = f"{self._steps[node].path}_dequantize"
            self._reals[node] = self._call(path, Dequantize(), [self._numbers[node]], ("input_",), Source())
        return self._reals[node]

    def _copy(self, node: fx.Node, form: Callable[[fx.Node], fx.Node]) -> fx.Node:
        new, path = self._new.node_copy(node, form), str(node.target)
        if node.op == "call_module":
            module = self._modules[path]
            # A module that is called in several places may be there already in another form.
            new.target = path = path if self._layers.get(path, module) is module else self._free(path)
            self._layers[path] = module
        elif node.op == "get_attr":
            self._layers[path] = operator.attrgetter(path)(self._root)
        elif node.op == "call_method" and path == "view":
            new.target = "reshape"  # as what comes is in channels-last order now
        return new

    def _mark_overwritten(self) -> None:
        """An addend that nobody reads afterwards is where the sum is written."""
        places = {node: place for place, node in enumerate(self._new.nodes)}

        def reads(node: fx.Node) -> Iterator[int]:
            """Where a node's value is read, or part of it by another name."""
            for user in node.users:
                yield places[user]
                if user.op != "call_module" or isinstance(self._layers[str(user.target)], nn.Flatten):
                    yield from reads(user)

        for node in self._new.nodes:
            layer = self._layers.get(str(node.target)) if node.op == "call_module" else None
            if isinstance(layer, QuantizedConv2d) and layer.adds:
                x, addend = node.args
                made = self._layers.get(str(addend.target)) if addend.op == "call_module" else None
                fresh = isinstance(made, Quantize | QuantizedConv2d | QuantizedSum | Requantize | QuantizedMaxPool2d)
                # Nor may it be what comes in, by any name: that is read while the sum is written.
                others = [place for place in reads(addend) if place >= places[node]]
                layer.overwrites = fresh and addend is not x and others == [places[node]]


def _kind_of_module(module: nn.Module) -> str:
    if isinstance(module, nn.Conv2d):
        plain = module.padding_mode == "zeros" and not isinstance(module.padding, str)
        return "conv" if plain else "float"
    kinds: dict[Any, str] = {
        nn.Linear: "linear",
        nn.BatchNorm2d: "norm",
        nn.MaxPool2d: "maxpool",
        nn.AvgPool2d: "avgpool",
        nn.AdaptiveAvgPool2d: "avgpool",
        nn.Flatten: "pass",
        **dict.fromkeys(_GATES, "gate"),
    }
    # Some pools give indices too; a norm without statistics takes those of each batch.
    indices = isinstance(module, nn.MaxPool2d) and module.return_indices
    changing = isinstance(module, nn.BatchNorm2d) and module.running_mean is None
    return "float" if indices or changing else kinds.get(type(module), "float")


def _axis(node: fx.Node) -> int | None:
    axis = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else 0)
    return axis if isinstance(axis, int) else None


def _pool(node: fx.Node) -> nn.Module | None:
    """The module that does what a call of a pooling function does."""
    told = dict(node.kwargs)
    told.pop("return_indices", None)
    try:
        return _POOLS[node.target](*node.args[1:], **told)
    except TypeError:
        return None


def _max_pool(pool: nn.MaxPool2d) -> QuantizedMaxPool2d:
    def pair(value: Any) -> tuple[int, int]:
        return (value, value) if isinstance(value, int) else tuple(value)

    size, stride, padding, dilation = map(pair, (pool.kernel_size, pool.stride, pool.padding, pool.dilation))
    return QuantizedMaxPool2d(size, stride, padding, dilation, pool.ceil_mode)
