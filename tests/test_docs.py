"""The generated pages are fresh."""

import subprocess
import sys
from pathlib import Path


def test_the_pages_of_the_families_are_fresh():
    generate = Path(__file__).parents[1] / "docs/generate.py"
    ran = subprocess.run([sys.executable, str(generate), "--check"], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
