"""A part of a network, giving what comes out of some of its layers: how a classifier becomes a backbone."""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.node import map_aggregate

from multiweight.errors import InputError, suggestions

__all__ = ["IntermediateLayerGetter", "features"]


class IntermediateLayerGetter(nn.ModuleDict):
    """The children of a network up to the last one asked for, called one after the other.

    The children keep their names and so their keys in the state dict. What comes after the last one asked for is
    left out. It fits networks whose `forward` calls their children in the order in which they were made, each with
    what the one before gave.

    Args:
        model: The network. Its children are shared, not copied.
        return_layers: The names of the children whose outputs are wanted, each with the name it is given under.

    Raises:
        InputError: If the network has no child of that name; also a ValueError.
    """

    _version = 2

    def __init__(self, model: nn.Module, return_layers: Mapping[str, str]) -> None:
        names = [name for name, _ in model.named_children()]
        wanted = {str(child): str(name) for child, name in return_layers.items()}
        for child in wanted:
            if child not in names:
                raise InputError(f"{type(model).__name__} has no layer {child!r} to return.{suggestions(child, names)}")
        last = max((names.index(child) for child in wanted), default=-1)
        super().__init__({name: child for name, child in model.named_children() if name in names[: last + 1]})
        self.return_layers = wanted

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """From the network's input, pictures `(N, 3, H, W)`, to the wanted outputs under their new names, in order."""
        features: dict[str, Tensor] = OrderedDict()
        for name, child in self.items():
            x = child(x)
            if name in self.return_layers:
                features[self.return_layers[name]] = x
        return features


def features(model: nn.Module, names: Iterable[str] | Mapping[str, str]) -> nn.Module:
    """The part of a network that leads to some of its modules, giving what comes out of them.

    ```python
    maps = features(resnet50(weights="DEFAULT"), ["layer2", "layer4"])
    maps(batch)["layer4"]  # (N, 2048, H/32, W/32)
    ```

    What comes after them is not computed. The modules are shared with the network, not copied: they can be trained
    through either. What is not needed is left out of the part, which can be exported and compiled as any other module;
    but where Python's way to a module depends on what the network is given (ViT, detectors, MViT, S3D, RAFT),
    all of the network is kept, and run until the last output is there. That can be exported too.

    Args:
        model: Any network of this package, or another one.
        names: Of modules, as `model.named_modules()` has them; or such names and what their outputs are to be called.

    Returns:
        A module that takes what the network takes, and gives a dictionary of the outputs, in the order of `names`.

    Raises:
        InputError: If there is no such module; in a call, if it is never used. Also a ValueError.
    """
    wanted = dict(names) if isinstance(names, Mapping) else {str(name): str(name) for name in _listed(names)}
    known = [name for name, _ in model.named_modules() if name]
    for name in wanted:
        if name not in known:
            raise InputError(f"{type(model).__name__} has no module {name!r}.{suggestions(name, known)}")
    if not wanted:
        raise InputError(f"Name at least one module of {type(model).__name__}, such as {known[-1] if known else ''!r}.")
    try:
        part = _part(model, wanted)
        if part.code == _part(_in_other_mode(model), wanted).code:
            return part
    except _UntraceableError:
        pass
    return _Stopped(model, wanted)


def _in_other_mode(model: nn.Module) -> nn.Module:
    """The network in training if it is not, and the other way round, with the same tensors; it is left as it is."""
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    return copy.deepcopy(model, shared).train(not model.training)


def _listed(names: Iterable[str]) -> list[str]:
    if isinstance(names, str):
        raise InputError(f"features takes a list of names; got the text {names!r}.")
    return list(names)


class _Tracer(fx.Tracer):
    """Looks into what is around the wanted modules and into nothing else, so that few constructs must be understood."""

    def __init__(self, wanted: Iterable[str]) -> None:
        super().__init__()
        self._wanted = tuple(wanted)
        self.found: dict[str, Any] = {}

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return not any(name.startswith(f"{module_qualified_name}.") for name in self._wanted)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        output = super().call_module(m, forward, args, kwargs)
        name = self.path_of_module(m)
        if name in self._wanted:
            self.found.setdefault(name, output)
        return output


class _UntraceableError(Exception):
    """The way to a module depends on what the network is given."""


def _part(model: nn.Module, wanted: Mapping[str, str]) -> fx.GraphModule:
    tracer = _Tracer(wanted)
    try:
        graph = tracer.trace(model)
    except Exception as error:  # what Python does with a value that is not there yet raises errors of every kind
        raise _UntraceableError from error
    if any(name not in tracer.found for name in wanted):
        raise _UntraceableError
    (output,) = (node for node in graph.nodes if node.op == "output")
    found = {shown: tracer.found[name] for name, shown in wanted.items()}
    found = map_aggregate(found, lambda each: each.node if isinstance(each, fx.Proxy) else each)
    output.args = (found,)
    # What nobody needs has to be gone before it is seen who else needs what is wanted.
    graph.owning_module = model  # pyright: ignore[reportAttributeAccessIssue]
    graph.eliminate_dead_code()
    copies: dict[fx.Node, fx.Node] = {}
    for node in output.all_input_nodes:
        if len(node.users) > 1:
            with graph.inserting_after(node):
                copies[node] = graph.call_function(_kept, (node,))
    output.args = (map_aggregate(found, lambda each: copies.get(each, each) if isinstance(each, fx.Node) else each),)
    part = fx.GraphModule(model, graph, f"{type(model).__name__}Features")
    part.delete_all_unused_submodules()
    part.recompile()
    return part


def _kept(output: Any) -> Any:
    """Copies of what comes out of a module, as the next one may write into it."""
    return map_aggregate(output, lambda each: each.clone() if isinstance(each, Tensor) else each)


class _Stopped(nn.Module):
    """A network that is run until the last of the wanted modules has given something."""

    def __init__(self, model: nn.Module, wanted: Mapping[str, str]) -> None:
        super().__init__()
        self.model = model
        self._wanted = dict(wanted)

    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """From the network's input to the wanted outputs by name."""
        found: dict[str, Any] = {}
        # Another thread may use the network at the same time.
        thread = threading.get_ident()

        def listen(name: str, output: Any) -> None:
            if threading.get_ident() == thread:
                found.setdefault(name, _kept(output))
                # An exporter keeps account of the calls that end; it leaves out by itself what nobody needs.
                if len(found) == len(self._wanted) and not torch.compiler.is_exporting():
                    raise _EnoughError

        hooks = [
            self.model.get_submodule(path).register_forward_hook(partial(_tell, listen, name))
            for path, name in self._wanted.items()
        ]
        try:
            with suppress(_EnoughError):
                self.model(*args, **kwargs)
        finally:
            for hook in hooks:
                hook.remove()
        for path, name in self._wanted.items():
            if name not in found:
                kind = type(self.model).__name__
                raise InputError(f"{kind} never called its module {path!r}; ask for the one around it.")
        return {name: found[name] for name in self._wanted.values()}


def _tell(listen: Callable[[str, Any], None], name: str, module: nn.Module, inputs: Any, output: Any) -> None:
    listen(name, output)


class _EnoughError(Exception):
    """All outputs that were wanted are there."""
