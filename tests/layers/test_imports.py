"""The operators cost next to nothing to import."""

import subprocess
import sys

NEW = """
import sys, torch, multiweight.errors
before = set(sys.modules)
import multiweight.layers
print(*{name.partition(".")[0] for name in set(sys.modules) - before})
"""


def test_nothing_but_our_own_modules_is_imported():
    """No torch._dynamo, no sympy, no part of torch that `import torch` had not brought."""
    run = subprocess.run([sys.executable, "-c", NEW], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["multiweight"]
