"""A network that is a list of steps: what is left of a traced graph when it is run."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import fx, nn
from torch.fx.node import map_aggregate


class _Value(NamedTuple):
    """The place of a value that an earlier step gives."""

    place: int


class _Step(NamedTuple):
    """One step: of a module, a function, a method or a tensor of the network.

    Attributes:
        kind: As a node of a graph has it: `"call_module"`, `"call_function"`, `"call_method"`, `"get_attr"`.
        target: The path of the module or tensor, the function, the name of the method.
        arguments: Positional arguments; values that earlier steps give are `_Value`.
        keywords: Arguments by name, likewise.
        place: Where the value goes.
        last: The places that nobody reads afterwards.
    """

    kind: str
    target: Any
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    place: int
    last: tuple[int, ...]


class QuantizedNetwork(nn.Module):
    """Runs the steps of a traced graph one after the other.

    Its modules have the names that they have in the network in float. It differs from `torch.fx.GraphModule` in
    that it finds them once, and not at every call by their long names; and that it generates no code.

    Args:
        name: The class of the network in float.
        modules: Modules and tensors by their path.
        graph: The graph, of which nothing is kept but what is done in what order.
    """

    def __init__(self, name: str, modules: Mapping[str, Any], graph: fx.Graph) -> None:
        super().__init__()
        self._name = f"Quantized{name}"
        for path, part in modules.items():
            self._place(path, part)
        self._steps, self._inputs, self._output = _steps_of(graph)
        self._ready: list[tuple[Callable[..., Any], tuple[int, ...] | None, _Step]] | None = None

    def _place(self, path: str, part: Any) -> None:
        *containers, name = path.split(".")
        parent: nn.Module = self
        for each in containers:
            if each not in parent._modules:
                parent.add_module(each, nn.Module())
            parent = parent.get_submodule(each)
        if isinstance(part, torch.Tensor) and not isinstance(part, nn.Parameter):
            parent.register_buffer(name, part)
        else:
            setattr(parent, name, part)

    def forward(self, x: Any, *others: Any) -> Any:
        """What the network gives for its inputs, of which those for classification have one."""
        if (given := 1 + len(others)) != self._inputs:
            raise TypeError(f"{self._name} takes {self._inputs} inputs; got {given}.")
        values: list[Any] = [x, *others, *[None] * len(self._steps)]
        for run, places, step in self._found():
            if places is not None:
                values[step.place] = run(*[values[place] for place in places])
            else:
                told = _filled(step.keywords, values)
                values[step.place] = run(*_filled(step.arguments, values), **told)
            for place in step.last:
                values[place] = None  # its memory is free for the next
        return _filled(self._output, values)

    def _found(self) -> list[tuple[Callable[..., Any], tuple[int, ...] | None, _Step]]:
        """Of each step what it calls, the places of its arguments if they are nothing but values, and the step."""
        if self._ready is None:
            self._ready = [(self._callable(step), _places(step), step) for step in self._steps]
        return self._ready

    def _callable(self, step: _Step) -> Callable[..., Any]:
        if step.kind == "call_module":
            return self.get_submodule(step.target)
        if step.kind == "call_method":
            return getattr(torch.Tensor, step.target)
        if step.kind == "get_attr":
            return lambda: operator.attrgetter(step.target)(self)
        return step.target

    def forget(self) -> None:
        """Finds the modules anew, as some were replaced."""
        self._ready = None

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if isinstance(value, nn.Module):
            self._ready = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_ready": None}

    def _get_name(self) -> str:
        return self._name


def _steps_of(graph: fx.Graph) -> tuple[list[_Step], int, Any]:
    """The steps of a graph, how many inputs it has, and what it gives."""
    places: dict[fx.Node, int] = {}
    steps: list[_Step] = []
    output: Any = None
    last_reader = {read: node for node in graph.nodes for read in node.all_input_nodes}
    for node in graph.nodes:
        if node.op == "output":
            output = _placed(node.args[0], places)
            continue
        places[node] = len(places)
        if node.op != "placeholder":
            last = tuple(places[read] for read in node.all_input_nodes if last_reader[read] is node)
            told = _placed(node.args, places), _placed(dict(node.kwargs), places)
            steps.append(_Step(node.op, node.target, *told, places[node], last))
    return steps, sum(node.op == "placeholder" for node in graph.nodes), output


def _places(step: _Step) -> tuple[int, ...] | None:
    if step.keywords or not all(isinstance(each, _Value) for each in step.arguments):
        return None
    return tuple(each.place for each in step.arguments)


def _placed(value: Any, places: Mapping[fx.Node, int]) -> Any:
    """Arguments with the places of values in place of nodes."""
    return map_aggregate(value, lambda each: _Value(places[each]) if isinstance(each, fx.Node) else each)


def _filled(value: Any, values: list[Any]) -> Any:
    """Arguments with values in their places."""
    if isinstance(value, _Value):
        return values[value.place]
    if isinstance(value, tuple | list):
        return type(value)(_filled(each, values) for each in value)
    if isinstance(value, dict):
        return {key: _filled(each, values) for key, each in value.items()}
    if isinstance(value, slice):
        return slice(*(_filled(each, values) for each in (value.start, value.stop, value.step)))
    return value
