"""Writes a page a family to `docs/models`, from the catalogue: `python docs/generate.py`, or `make docs`.

With `--check` it writes nothing and names the pages that are not fresh, with exit status 1.
"""

from __future__ import annotations

import argparse
import ast
import math
import sys
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

import multiweight
from multiweight.catalogue import WeightsEnum, metric, weights_enums

PAGES = Path(__file__).with_name("models")
NETWORKS = Path(multiweight.__file__).with_name("models")


def families() -> dict[str, list[type[WeightsEnum]]]:
    """The enums of this package's catalogue by family, which is the path of its files: `detection/fcos`."""
    found: dict[str, list[type[WeightsEnum]]] = {}
    for enum in weights_enums().values():
        if enum.__module__.startswith("multiweight.catalogue."):
            family = enum.__module__.removeprefix("multiweight.catalogue.").replace(".", "/")
            found.setdefault(family, []).append(enum)
    return found


def pages() -> dict[str, str]:
    """The text of every page by file name."""
    written = {f"{family}.md": page(family, enums) for family, enums in families().items()}
    index: dict[str, list[str]] = {}
    for family, enums in families().items():
        kind = str(enums[0].task).replace("_", " ").capitalize() + (", quantized" if _is_quantized(enums) else "")
        variants = ", ".join(str(enum.variant) for enum in enums)
        index.setdefault(kind, []).append(f"- [{family.rpartition('/')[2]}]({family}.md): {variants}")
    sections = [line for kind, lines in index.items() for line in (f"## {kind}", "", *lines, "")]
    written["README.md"] = "\n".join(["# Families", "", *sections, *_FOOTER])
    return written


def page(family: str, enums: list[type[WeightsEnum]]) -> str:
    """The page of a family: its papers, its entries with their figures, their preprocessing, how to use them."""
    docstring = ast.get_docstring(ast.parse((NETWORKS / f"{family}.py").read_text(encoding="utf-8"))) or ""
    title, _, rest = docstring.partition("\n")
    example = enums[0]["DEFAULT"]
    function = type(example).builder.partition(":")[2]
    quantize = ", quantize=True" if _is_quantized(enums) else ""
    return "\n".join(
        [
            f"# {title.rstrip('.')}",
            "",
            *([rest.strip(), ""] if rest.strip() else []),
            "## Weights",
            "",
            *_table(
                ("entry", "measured on", "figures", "GFLOPs", "parameters (M)", "MiB", "licence", "recipe"),
                (_row(entry) for enum in enums for entry in enum),
            ),
            "",
            f"In bold: the entry that `DEFAULT` means. {_COST.get(str(enums[0].task), _COST['classification'])}",
            "",
            *(_origins(enums) if _is_quantized(enums) else ()),
            "## Preprocessing",
            "",
            *_table(("entry", "preset"), ((f"`{entry}`", _preset(entry)) for enum in enums for entry in enum)),
            "",
            "## Use",
            "",
            "```python",
            f"from {type(example).module} import {function}, {type(example).__name__}",
            "",
            f"weights = {type(example).__name__}.DEFAULT",
            f"model = {function}(weights=weights{quantize}).eval()",
            "preset = weights.transforms()",
            "```",
            "",
            *_FOOTER,
        ]
    )


_COST = {
    "classification": "GFLOPs are multiply-adds of one picture at the preset's crop.",
    "detection": "GFLOPs are multiply-adds of one picture, as published; figures are percent.",
    "segmentation": "GFLOPs are multiply-adds of one picture, as published; figures are percent.",
    "video": "GFLOPs are multiply-adds of one clip, as published. Accuracy (%) is that of the mean over "
    "`clips_per_video` clips of `clip_len` frames, taken `frame_rate` a second.",
    "optical_flow": "GFLOPs are multiply-adds of one pair of pictures, as published. The end-point error (EPE) is in "
    "pixels, Fl-all in percent; of both, less is better.",
}
"""What the figures of a task's page are."""

_FOOTER = ["<!-- Written by docs/generate.py from the catalogue; change that, not this. -->", ""]


def _is_quantized(enums: list[type[WeightsEnum]]) -> bool:
    return "unquantized" in enums[0]["DEFAULT"].meta


def _origins(enums: list[type[WeightsEnum]]) -> list[str]:
    """What quantized entries were made of, and for which of torch's backends."""
    made = ((f"`{entry}`", f"`{entry.meta.unquantized}`", entry.meta.backend) for enum in enums for entry in enum)
    return [*_table(("entry", "made of", "for the backend"), made), ""]


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return [f"| {' | '.join(line)} |" for line in lines]


def _row(entry: WeightsEnum) -> list[str]:
    meta = entry.meta
    figures = {name: _figures(values) for name, values in meta["metrics"].items()}
    if "outputs" in meta:
        figures = {"–": meta["outputs"]}
    name = f"`{entry}`"
    return [
        f"**{name}**" if entry is type(entry)["DEFAULT"] else name,
        "<br>".join(figures),
        "<br>".join(figures.values()),
        f"{meta['gflops']:.3f}",
        f"{meta['num_params'] / 1e6:.2f}",
        f"{meta['file_size']:.1f}",
        _link(meta.get("license", "unstated"), "licence"),
        _link(meta["recipe"], "recipe"),
    ]


def _figures(values: dict[str, float]) -> str:
    return ", ".join(
        f"{metric(key).title} {'not measured' if math.isnan(value) else f'{value:.3f}'}"
        for key, value in values.items()
    )


def _link(text: str, word: str) -> str:
    return f"[{word}]({text})" if text.startswith("https://") else text


def _preset(entry: WeightsEnum) -> str:
    spec = entry.value.transforms
    defaults = {field.name: field.default for field in fields(spec)}
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
    present = {path.relative_to(PAGES).as_posix(): path.read_text(encoding="utf-8") for path in PAGES.rglob("*.md")}
    stale = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
    if options.check:
        sys.exit(f"Not fresh, run `make docs`: {', '.join(stale)}" if stale else 0)
    PAGES.mkdir(exist_ok=True)
    for name in stale:
        if name in wanted:
            (PAGES / name).parent.mkdir(exist_ok=True)
            (PAGES / name).write_text(wanted[name], encoding="utf-8")
        else:
            (PAGES / name).unlink()


if __name__ == "__main__":
    main()
