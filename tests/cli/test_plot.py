"""`plot`: a picture with points, a front and labels."""

import math
import sys

import pytest
from PIL import Image

from multiweight.cli.list import entries
from multiweight.cli.plot import pareto_front


def test_draws_a_picture(run, tmp_path):
    for name in ("all.png", "all.svg"):
        result = run("plot", "--output", str(tmp_path / name))
        assert result.exit_code == 0, result.output
        assert "entries, drawn to" in result.stdout
    with Image.open(tmp_path / "all.png") as picture:
        assert picture.width > 1000
        assert len(picture.convert("RGB").getcolors(maxcolors=2**20)) > 20
    text = (tmp_path / "all.svg").read_text()
    assert "<svg" in text


@pytest.mark.parametrize("cost", ["gflops", "params", "size"])
def test_takes_patterns_and_costs(run, tmp_path, cost):
    result = run("plot", "resnet50", "resnet18", "--x", cost, "--output", str(tmp_path / "some.png"))
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(
        "36 entries"
    )  # a plain word fits anywhere: Wide ResNet-50 and quantized ones are among them


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-such-net"], "No entry that fits"),
        (["--dataset", "CIFAR"], "CIFAR"),
        (["--output", "a.nonsense"], "nonsense"),
    ],
)
def test_wrong_usage_is_said(run, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    result = run("plot", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_without_matplotlib_it_says_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    result = run("plot")
    assert result.exit_code == 1
    assert 'pip install "multiweight[plot]"' in result.stderr


def test_nothing_on_the_front_is_beaten():
    points = [
        (entry.meta["gflops"], figures["acc@1"], entry)
        for entry in entries()
        for figures in entry.meta["metrics"].values()
        if figures.get("acc@1", math.nan) == figures.get("acc@1")
    ]
    front = pareto_front(points)
    errors = [(cost, -value, entry) for cost, value, entry in points]
    assert [entry for *_, entry in pareto_front(errors, lower_is_better=True)] == [entry for *_, entry in front]
    for point in points:
        beaten = any(cost <= point[0] and value > point[1] for cost, value, _ in points)
        assert (point in front) == (not beaten) or point[:2] in [other[:2] for other in front]
