"""The confusion matrix and the reliability diagram: drawn for few and for many classes, so that they can be read."""

import sys

import pytest
import torch
from PIL import Image

from multiweight.catalogue import Labels
from multiweight.errors import MissingExtraError, StoreError
from multiweight.evaluate import Counts, Matching, Measurement, confused_pairs, draw
from multiweight.evaluate.pictures import confusion_figure, reliability_figure
from tests.evaluate.support import Colours_Weights
from tests.evaluate.test_counts import outputs

LABELS = Labels("imagenet1k").read()


def measured(classes, pictures=2000, *, with_pictures=None):
    logits, targets = outputs(pictures, classes)
    logits, targets = torch.cat([logits, torch.eye(classes)]), torch.cat([targets, torch.arange(classes)])
    counts = Counts(classes)
    some = targets < (with_pictures or classes)
    counts.add(logits[some], targets[some])
    entry = Colours_Weights.IMAGENET1K_V1
    return Measurement(
        weights=entry,
        dataset="ImageNet-1K",
        split="val",
        labels=LABELS[:classes],
        matching=Matching(tuple(range(classes)), "name", ""),
        preset=entry.transforms,
        counts=counts,
        device="cpu",
        precision="fp32",
        processes=1,
        batch_size=64,
        seconds=1.0,
    )


def within(labels, limits, coordinate):
    """The labels of an axis that are shown."""
    return [label for label in labels if min(limits) <= label.get_position()[coordinate] <= max(limits)]


def overlaps(texts, renderer):
    """Which of the texts lie on each other, by more than a hair."""
    boxes = torch.tensor([text.get_window_extent(renderer).extents.tolist() for text in texts]).view(-1, 4)
    common = torch.minimum(boxes[:, None, 2:], boxes[:, 2:]) - torch.maximum(boxes[:, None, :2], boxes[:, :2])
    one, other = (common.min(2).values > 1).triu(1).nonzero().T.tolist()
    return [(texts[a].get_text(), texts[b].get_text()) for a, b in zip(one, other, strict=True)]


@pytest.mark.parametrize(
    ("classes", "with_pictures"), [(2, None), (10, None), (25, None), (60, None), (61, None), (1000, None), (1000, 12)]
)
def test_every_text_can_be_read(classes, with_pictures):
    measurement = measured(classes, with_pictures=with_pictures)
    for figure in (confusion_figure(measurement), reliability_figure(measurement)):
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        canvas = FigureCanvasAgg(figure)
        figure.draw_without_rendering()
        renderer = canvas.get_renderer()
        whole = figure.bbox
        for axes in figure.axes:
            for side in (
                within(axes.get_xticklabels(), axes.get_xlim(), 0),
                within(axes.get_yticklabels(), axes.get_ylim(), 1),
                axes.texts,
            ):
                texts = [text for text in side if text.get_text()]
                assert not overlaps(texts, renderer)
                for text in texts:
                    box = text.get_window_extent(renderer)
                    assert text.get_fontsize() >= 6, text
                    assert whole.x0 <= box.x0
                    assert box.x1 <= whole.x1, text


def test_few_classes_have_numbers_and_names():
    figure = confusion_figure(measured(10))
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == list(LABELS[:10])
    numbers = {text.get_position(): text.get_text() for text in axes.texts}
    matrix = measured(10).counts.confusion
    assert numbers == {(column, row): str(int(matrix[row, column])) for row, column in matrix.nonzero().tolist()}


def test_classes_without_pictures_are_one_column():
    figure = confusion_figure(measured(1000, with_pictures=12, pictures=20_000))
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == [*LABELS[:12], "others"]
    assert axes.images[0].get_array().shape == (12, 13)


def test_many_classes_are_drawn_in_blocks_with_the_worst_confusions_by_name():
    measurement = measured(1000)
    figure = confusion_figure(measurement)
    matrix, listed = figure.axes[0], figure.axes[1]
    assert matrix.images[0].get_array().shape == (100, 100)
    pairs = confused_pairs(measurement.counts, 20)
    right, taken, often = pairs[0]
    assert listed.get_yticklabels()[0].get_text().splitlines()[1].removeprefix("taken for ") in LABELS[taken]
    assert listed.texts[0].get_text().strip() == f"{often} of {int(measurement.counts.support[right])}"


def test_confused_pairs_are_the_largest_wrong_cells():
    counts = measured(10).counts
    wrong = counts.confusion.clone().fill_diagonal_(0)
    pairs = confused_pairs(counts)
    assert confused_pairs(counts, 3) == pairs[:3]
    assert sum(often for _, _, often in pairs) == int(wrong.sum())
    assert [often for _, _, often in pairs] == sorted(wrong[wrong > 0].tolist(), reverse=True)
    assert all(wrong[right, taken] == often for right, taken, often in pairs)
    nothing_wrong = Counts(3)
    nothing_wrong.add(torch.eye(3), torch.arange(3))
    assert confused_pairs(nothing_wrong, 5) == []


def test_the_diagram_has_the_bins():
    measurement = measured(10)
    axes = reliability_figure(measurement).axes[0]
    filled = [part for part in measurement.counts.bins() if part.count]
    heights = [bar.get_height() for bar in axes.containers[0]]
    assert heights == [part.accuracy for part in filled]


def test_without_matplotlib_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r'pip install "multiweight\[train\]"'):
        draw(measured(3), tmp_path)


def test_files(tmp_path):
    paths = draw(measured(10), tmp_path / "new" / "pictures")
    assert [path.name for path in paths] == ["confusion.png", "reliability.png"]
    for path in paths:
        with Image.open(path) as picture:
            assert min(picture.size) > 500
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written"):
        draw(measured(10), tmp_path / "file")
