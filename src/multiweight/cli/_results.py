"""How `multiweight predict` shows results: columns for each task; JSON, CSV and tables; drawings."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

if TYPE_CHECKING:
    from PIL import Image

    from multiweight.predict import Predictor

Cells = Sequence[str]
Write = Callable[[Any, "int | None"], None]
"""Writes one result; of optical flow of a video, with the number of its first frame."""


@dataclass(frozen=True)
class _Form:
    """How the results of a task are shown.

    Attributes:
        source: The heading of what was looked at.
        csv: The names of the columns between it and `error`.
        rows: The values of a result's rows in these columns.
        table: The headings after it and their widths; a width of 0 is that of the longest label, left-aligned.
        cells: A row of values as text for the table.
        empty: What the table says of a result that has no row.
    """

    source: str
    csv: tuple[str, ...]
    rows: Callable[[Any, int | None], list[tuple[Any, ...]]]
    table: tuple[tuple[str, int], ...]
    cells: Callable[[tuple[Any, ...]], Cells]
    empty: str = ""


def _ranked(result: Any, frame: int | None) -> list[tuple[Any, ...]]:
    ranked = zip(result.labels, result.probabilities, result.indices, strict=True)
    return [(rank, label, share, index) for rank, (label, share, index) in enumerate(ranked, 1)]


def _found(result: Any, frame: int | None) -> list[tuple[Any, ...]]:
    return [(rank, one.label, one.score, one.index, *one.box.tolist()) for rank, one in enumerate(result, 1)]


def _segments(result: Any, frame: int | None) -> list[tuple[Any, ...]]:
    segments = result.to_dict()["segments"]
    return [(rank, one["label"], one["share"], one["index"]) for rank, one in enumerate(segments, 1)]


def _motion(result: Any, frame: int | None) -> list[tuple[Any, ...]]:
    about = result.to_dict()
    height, width = about["size"]
    return [(frame, width, height, *about["mean_flow"], about["mean_magnitude"], about["max_magnitude"])]


def _share_cells(row: tuple[Any, ...]) -> Cells:
    return row[1], f"{row[2]:.1%}"


def _box_cells(row: tuple[Any, ...]) -> Cells:
    return row[1], f"{row[2]:.1%}", " ".join(f"{side:5.0f}" for side in row[4:])


def _motion_cells(row: tuple[Any, ...]) -> Cells:
    return ("" if row[0] is None else str(row[0]), *(f"{pixels:.2f}" for pixels in row[3:]))


_LABEL = ("Label", 0)
_FORMS = {
    "classification": _Form(
        "Picture",
        ("rank", "label", "probability", "index"),
        _ranked,
        (_LABEL, ("Probability", 11)),
        _share_cells,
    ),
    "video": _Form(
        "Video",
        ("rank", "label", "probability", "index"),
        _ranked,
        (_LABEL, ("Probability", 11)),
        _share_cells,
    ),
    "detection": _Form(
        "Picture",
        ("rank", "label", "score", "index", "left", "top", "right", "bottom"),
        _found,
        (_LABEL, ("Score", 6), (" Left   Top Right Below", 23)),
        _box_cells,
        "(nothing)",
    ),
    "segmentation": _Form(
        "Picture",
        ("rank", "label", "share", "index"),
        _segments,
        (_LABEL, ("Share", 6)),
        _share_cells,
    ),
    "optical_flow": _Form(
        "Pair or video",
        ("frame", "width", "height", "mean_right", "mean_down", "mean_magnitude", "max_magnitude"),
        _motion,
        (("Frame", 6), ("Right", 8), ("Down", 8), ("Mean", 8), ("Largest", 8)),
        _motion_cells,
    ),
}


class Survey(NamedTuple):
    """What a look through the inputs beforehand says."""

    total: int
    widest: int


def json_writer(stream: TextIO, predictor: Predictor, survey: Survey | None) -> Write:
    """One object a line."""
    import json

    def write(result: Any, frame: int | None) -> None:
        values = result.to_dict()
        if frame is not None:
            values = {"source": values.pop("source"), "frame": frame} | values
        # What UTF-8 cannot hold the stream writes as \udc.., which is just how JSON spells it.
        print(json.dumps(values, ensure_ascii=False), file=stream)

    return write


def csv_writer(stream: TextIO, predictor: Predictor, survey: Survey | None) -> Write:
    """One row for a label, a detection, a segment or a pair; one without values where there is none of them."""
    import csv

    form = _FORMS[predictor.task]
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["source", *form.csv, "error"])

    def write(result: Any, frame: int | None) -> None:
        nothing: list[tuple[Any, ...]] = [("",) * len(form.csv)]
        if result.error is not None:
            writer.writerow([result.source, *nothing[0], result.error])
            return
        for row in form.rows(result, frame) or nothing:
            writer.writerow([result.source, *(f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row), ""])

    return write


def table_writer(stream: TextIO, predictor: Predictor, survey: Survey | None) -> Write:
    """Rows as they come, in columns whose widths are known before: of all labels, and of the names looked through."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.text import Text

    from multiweight.data import printable

    form = _FORMS[predictor.task]
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    label_width = max(map(cell_len, ("Label", form.empty, *predictor.labels)))
    widths = [width or label_width for _, width in form.table]
    room = console.width - sum(width + 2 for width in widths)
    source_width = max(len(form.source), min(room, survey.widest if survey else room))

    def fitted(name: str) -> str:
        if not stream.isatty():
            return name
        cut = name
        while cell_len(cut) > max(source_width, 16):
            cut = f"…{cut[2:]}"
        return cut

    def row(source: str, cells: Cells, style: str = "") -> None:
        line = source + " " * (source_width - cell_len(source))
        for (_, width), cell, wide in zip(form.table, cells, widths, strict=False):
            space = " " * (wide - cell_len(cell))
            line += f"  {space}{cell}" if width else f"  {cell}{space}"
        console.print(Text(line.rstrip(), style=style), soft_wrap=True)

    row(form.source, [heading for heading, _ in form.table], "bold")

    def write(result: Any, frame: int | None) -> None:
        source = fitted(printable(result.source or ""))
        if result.error is not None:
            row(source, ["(failed)"], "red")
            return
        for values in form.rows(result, frame):
            row(source, form.cells(values))
            source = ""
        if source and form.empty:
            row(source, [form.empty])

    return write


WRITERS = {"json": json_writer, "csv": csv_writer, "table": table_writer}


class Drawings:
    """A folder into which results are drawn; files that are there stay as they are.

    A drawing has the name of its picture, as JPEG if that is one, else as PNG; a number is added where there is such a
    file already.

    Args:
        folder: The folder, made if it is not there.

    Raises:
        OSError: If it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)

    def add(self, result: Any, frame: int | None) -> None:
        """Draws one result that is no failure.

        Raises:
            InputError: If its picture cannot be opened again.
            OSError: If the file cannot be written.
        """
        picture = _drawn(result)
        name = os.path.basename(re.split(r"[?#]", result.source)[0] if "://" in result.source else result.source)
        stem, ending = os.path.splitext(name or os.path.basename(os.path.dirname(result.source)))
        ending = ".jpg" if ending.lower() in (".jpg", ".jpeg") else ".png"
        stem = stem if frame is None else f"{stem}-{frame:06}"
        number = 1
        while True:
            path = self._folder / f"{stem}{f'-{number}' if number > 1 else ''}{ending}"
            try:
                with open(path, "xb") as file:
                    picture.save(file, "JPEG" if ending == ".jpg" else "PNG", **_QUALITY[ending])
                return
            except FileExistsError:
                number += 1


_QUALITY: dict[str, dict[str, Any]] = {".jpg": {"quality": 92, "subsampling": 0}, ".png": {}}


def _drawn(result: Any) -> Image.Image:
    from multiweight.predict import VideoLabels

    if not isinstance(result, VideoLabels):
        return result.draw()
    from multiweight.data import open_video

    with open_video(result.source) as video:
        (frame,) = video.clip([len(video) // 2])
        return result.draw(frame)
