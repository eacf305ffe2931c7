"""Writes a page a family to `docs/models`, from the catalogue: `python docs/generate.py`, or `make docs`.

With `--check` it writes nothing and names the pages that are not fresh, with exit status 1.
"""

from __future__ import annotations

import argparse
import ast
import math
import sys
from collections.abc import Iterable
from pathlib import Path

import multiweight
from multiweight.catalogue import WeightsEnum, weights_enums

PAGES = Path(__file__).with_name("models")
NETWORKS = Path(multiweight.__file__).with_name("models")


def families() -> dict[str, list[type[WeightsEnum]]]:
    """The enums of this package's catalogue by family."""
    found: dict[str, list[type[WeightsEnum]]] = {}
    for enum in weights_enums().values():
        if enum.__module__.startswith("multiweight.catalogue."):
            found.setdefault(enum.__module__.rpartition(".")[2], []).append(enum)
    return found


def pages() -> dict[str, str]:
    """The text of every page by file name."""
    written = {f"{family}.md": page(family, enums) for family, enums in families().items()}
    index = [
        f"- [{family}]({family}.md): {', '.join(str(e.variant) for e in enums)}" for family, enums in families().items()
    ]
    written["README.md"] = "\n".join(["# Families", "", *index, "", *_FOOTER])
    return written


def page(family: str, enums: list[type[WeightsEnum]]) -> str:
    """The page of a family: its papers, its entries with their figures, their preprocessing, how to use them."""
    docstring = ast.get_docstring(ast.parse((NETWORKS / f"{family}.py").read_text(encoding="utf-8"))) or ""
    title, _, rest = docstring.partition("\n")
    example = enums[0]["DEFAULT"]
    return "\n".join(
        [
            f"# {title.rstrip('.')}",
            "",
            *([rest.strip(), ""] if rest.strip() else []),
            "## Weights",
            "",
            *_table(
                ("entry", "measured on", "accuracy (%)", "GFLOPs", "parameters (M)", "MiB", "licence", "recipe"),
                (_row(entry) for enum in enums for entry in enum),
            ),
            "",
            "In bold: the entry that `DEFAULT` means. GFLOPs are multiply-adds of one picture at the preset's crop.",
            "",
            "## Preprocessing",
            "",
            *_table(("entry", "preset"), ((f"`{entry}`", _preset(entry)) for enum in enums for entry in enum)),
            "",
            "## Use",
            "",
            "```python",
            f"from multiweight.models import {type(example).variant}, {type(example).__name__}",
            "",
            f"weights = {type(example).__name__}.DEFAULT",
            f"model = {type(example).variant}(weights=weights).eval()",
            "preset = weights.transforms()",
            "```",
            "",
            *_FOOTER,
        ]
    )


_FOOTER = ["<!-- Written by docs/generate.py from the catalogue; change that, not this. -->", ""]


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return [f"| {' | '.join(line)} |" for line in lines]


def _row(entry: WeightsEnum) -> list[str]:
    meta = entry.meta
    datasets, figures = zip(*((name, _figures(values)) for name, values in meta["metrics"].items()), strict=True)
    name = f"`{entry}`"
    return [
        f"**{name}**" if entry is type(entry)["DEFAULT"] else name,
        "<br>".join(datasets),
        "<br>".join(figures),
        f"{meta['gflops']:.3f}",
        f"{meta['num_params'] / 1e6:.2f}",
        f"{meta['file_size']:.1f}",
        _link(meta.get("license", "unstated"), "licence"),
        _link(meta["recipe"], "recipe"),
    ]


def _figures(values: dict[str, float]) -> str:
    return ", ".join(
        f"{key} {'not measured' if math.isnan(value) else f'{value:.3f}'}" for key, value in values.items()
    )


def _link(text: str, word: str) -> str:
    return f"[{word}]({text})" if text.startswith("https://") else text


def _preset(entry: WeightsEnum) -> str:
    spec = entry.value.transforms
    defaults = type(spec)(crop_size=0).settings()
    changed = {key: value for key, value in spec.settings().items() if value != defaults[key]}
    return f"`{type(spec).__name__}({', '.join(f'{key}={_literal(value)}' for key, value in changed.items())})`"


def _literal(value: object) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(f'{item:g}' if isinstance(item, float) else repr(item) for item in value)})"
    return repr(str(value)) if isinstance(value, str) else repr(value)


def main() -> None:
    """Writes the pages, or checks them."""
    arguments = argparse.ArgumentParser(description="Write a page a family from the catalogue.")
    arguments.add_argument("--check", action="store_true", help="Write nothing; name the pages that are not fresh.")
    options = arguments.parse_args()
    wanted = pages()
    present = {path.name: path.read_text(encoding="utf-8") for path in PAGES.glob("*.md")}
    stale = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
    if options.check:
        sys.exit(f"Not fresh, run `make docs`: {', '.join(stale)}" if stale else 0)
    PAGES.mkdir(exist_ok=True)
    for name in stale:
        if name in wanted:
            (PAGES / name).write_text(wanted[name], encoding="utf-8")
        else:
            (PAGES / name).unlink()


if __name__ == "__main__":
    main()
