"""Packages that bring enums, installed for one test only."""

from __future__ import annotations

import importlib.metadata
import types

import pytest

from multiweight.catalogue import _plugins, _registry

HEAD = "from multiweight.catalogue import *\n"
META = (
    "dict(categories=('x', 'y'), num_params=1, min_size=(1, 1), gflops=0.1, file_size=0.1, "
    "metrics={'Flowers': {'acc@1': 50.0}}, recipe='-', license='MIT')"
)
ENTRY = f"Weights('https://example.org/a.safetensors', ImageClassification(crop_size=8), {META})"


def enum(name, about="", entries=("A_V1",), default=True):
    """The code of an enum."""
    lines = [f"    {entry} = {ENTRY}" for entry in entries]
    lines += [f"    DEFAULT = {entries[0]}"] * default
    return "\n".join([f"class {name}(WeightsEnum{about}):", *lines, ""])


def forget():
    """Has the catalogue look for installed packages again."""
    for remembered in (
        _plugins.installed,
        _registry._configured,
        _registry.weights_enums,
        _registry._by_spelling,
        _registry._by_variant,
    ):
        remembered.cache_clear()


@pytest.fixture
def install(monkeypatch):
    """Installs packages: the code of each one's module, by its distribution's name. Gives the modules."""
    installed = []

    def install(**packages):
        for name, code in packages.items():
            module = types.ModuleType(f"{name}.catalogue")

            def load(module=module, code=code):
                exec(code, vars(module))
                return module

            point = types.SimpleNamespace(name=name, value=module.__name__, load=load)
            point.dist = types.SimpleNamespace(name=name)
            installed.append(point)
        forget()
        return installed

    others = importlib.metadata.entry_points

    def entry_points(**about):
        return list(installed) if about == {"group": _plugins.PLUGIN_GROUP} else others(**about)

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    monkeypatch.delenv("MULTIWEIGHT_PLUGINS", raising=False)
    yield install
    monkeypatch.undo()
    del _registry._added[:]
    forget()
