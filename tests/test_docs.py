"""The generated pages are fresh, and the examples of pages that say what they print print it."""

import io
import re
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import torch

DOCS = Path(__file__).parents[1] / "docs"


def test_the_pages_of_the_families_are_fresh():
    ran = subprocess.run(
        [sys.executable, str(DOCS / "generate.py"), "--check"], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("page", ["adapting"])
def test_the_examples_print_what_stands_there(page):
    torch.manual_seed(0)
    namespace = {"__name__": "__main__"}
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", (DOCS / f"{page}.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    printed = 0
    for (language, code), (after, text) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if language == "python":
            output = io.StringIO()
            with redirect_stdout(output):
                exec(compile(code, f"{page}.md", "exec"), namespace)
            if after == "text":
                assert output.getvalue() == text
                printed += 1
    assert printed
