"""Vision models for PyTorch in which one weights entry is one unit.

Importing this package costs next to nothing: every name is found when it is first used. `__init__.pyi` is the
list of the public names.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
