"""torchvision's Python code as the reference, where its compiled extension may not load."""

import re
import sys
import warnings
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import torch

_libraries = []  # a torch.library.Library lives as long as the object


@lru_cache(maxsize=1)
def torchvision() -> ModuleType:
    """Imports torchvision; where its extension does not load, with names for the operators it would have defined."""
    package = Path(find_spec("torchvision").submodule_search_locations[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return import_module("torchvision")
        except RuntimeError as error:
            if "operator torchvision::" not in str(error):
                raise
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")
        _libraries.append(library)
        text = (package / "_meta_registrations.py").read_text()
        for pair in sorted(set(re.findall(r'register_meta\("(\w+)"\)|"torchvision::(\w+)"', text))):
            library.define(f"{''.join(pair)}(Tensor x) -> Tensor")
        return import_module("torchvision")
