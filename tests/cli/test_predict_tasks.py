"""`multiweight predict` with weights of every task: which inputs count as what, the forms of results, drawings."""

import csv
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from multiweight.cli import predict
from tests.catalogue.plugins import forget
from tests.predict import scenes
from tests.predict.scenes import scene, shifted, texture
from tests.predict.videos import encoded_video

BOXES, REGIONS, MOODS, SHIFTS = ("tests/boxes", "tests/regions", "tests/moods", "tests/shifts")


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """The folder that makes the scenes' catalogue an installed plugin."""
    folder = tmp_path_factory.mktemp("site")
    scenes.install(folder)
    return folder


@pytest.fixture
def run(plugin, monkeypatch, tmp_path):
    """Runs the command in this process, in a folder of its own."""
    monkeypatch.syspath_prepend(str(plugin))
    monkeypatch.chdir(tmp_path)
    forget()

    def invoke(weights, *arguments, **options):
        return CliRunner().invoke(predict.command, [*arguments, "--weights", weights, "--device", "cpu"], **options)

    yield invoke
    forget()


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def pictures(tmp_path):
    """Two pictures, one in a subfolder under the same name, and one with nothing to be found."""
    both = scene(100, 80, red=(10, 20, 40, 60, 255), blue=(50, 10, 90, 70, 150))
    save(tmp_path / "pictures" / "a.png", both)
    save(tmp_path / "pictures" / "sub" / "a.png", scene(60, 60, green=(0, 0, 30, 60, 255)))
    save(tmp_path / "pictures" / "z.bmp", scene(40, 40))


def colour_frames(colour, count=6):
    frame = np.full((32, 48, 3), 30, np.uint8)
    frame[..., scenes.COLOURS.index(colour)] = 220
    return [frame] * count


@pytest.fixture
def videos(tmp_path):
    """A folder of frames, a folder of video files, one of both, and a video file."""
    for number, frame in enumerate(colour_frames("red")):
        save(tmp_path / "frames" / f"{number}.png", frame)
    for folder, colour in (("files", "green"), ("files/sub", "blue"), ("both", "green")):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "clip.mp4").write_bytes(encoded_video(colour_frames(colour)))
    for number, frame in enumerate(colour_frames("blue")):
        save(tmp_path / "both" / "frames" / f"{number}.png", frame)
    (tmp_path / "clip.mp4").write_bytes(encoded_video(colour_frames("red")))


def lines(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def rows(result):
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_detections_as_json_csv_and_table(run, pictures):
    result = run(BOXES, "pictures", "none.png")
    assert result.exit_code == 1
    first, second, third, bad = lines(result)
    assert [line["source"] for line in (first, second, third)] == [
        "pictures/a.png",
        "pictures/z.bmp",
        "pictures/sub/a.png",
    ]
    assert [one["label"] for one in first["detections"]] == ["red", "blue"]
    assert first["detections"][0]["box"] == [10, 20, 40, 60]
    assert first["detections"][0]["mask"]["size"] == [80, 100]
    assert isinstance(first["detections"][0]["mask"]["counts"], str)
    assert first["detections"][0]["keypoints"][0]["name"] == "middle"
    assert second["detections"] == []
    assert bad == {"source": "none.png", "error": "none.png: there is no such file."}

    table = rows(run(BOXES, "pictures", "none.png", "--format", "csv", "--threshold", "0.7"))
    assert [(row["source"], row["rank"], row["label"]) for row in table] == [
        ("pictures/a.png", "1", "red"),
        ("pictures/z.bmp", "", ""),
        ("pictures/sub/a.png", "1", "green"),
        ("none.png", "", ""),
    ]
    assert [table[0][side] for side in ("left", "top", "right", "bottom")] == ["10", "20", "40", "60"]
    assert table[0]["score"] == "1"

    text = run(BOXES, "pictures", "none.png", "--format", "table", "--top", "1").stdout.splitlines()
    assert text[0].split() == ["Picture", "Label", "Score", "Left", "Top", "Right", "Below"]
    assert text[1].split() == ["pictures/a.png", "red", "100.0%", "10", "20", "40", "60"]
    assert text[2].split() == ["pictures/z.bmp", "(nothing)"]
    assert text[4].split() == ["none.png", "(failed)"]
    assert len(text[0]) == len(text[1]) == len(text[3])


def test_segmentation_as_json_csv_and_table(run, pictures):
    (line,) = lines(run(REGIONS, "pictures/sub"))
    assert line["size"] == [60, 60]
    assert [segment["label"] for segment in line["segments"]] == ["green", "__background__"]
    assert line["segments"][0]["mask"]["size"] == [60, 60]
    table = rows(run(REGIONS, "pictures/sub", "--format", "csv"))
    assert [(row["rank"], row["label"], row["index"]) for row in table] == [
        ("1", "green", "2"),
        ("2", "__background__", "0"),
    ]
    assert float(table[0]["share"]) + float(table[1]["share"]) == pytest.approx(1, abs=1e-5)
    text = run(REGIONS, "pictures/sub", "--format", "table").stdout.splitlines()
    assert text[0].split() == ["Picture", "Label", "Share"]
    assert text[1].split()[:2] == ["pictures/sub/a.png", "green"]


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (["clip.mp4"], [("clip.mp4", "red")]),
        (["frames"], [("frames", "red")]),
        (["files"], [("files/clip.mp4", "green"), ("files/sub/clip.mp4", "blue")]),
        (["both"], [("both/clip.mp4", "green"), ("both/frames", "blue")]),
        (["frames", "*.mp4"], [("frames", "red"), ("clip.mp4", "red")]),
        (["f*"], [("files/clip.mp4", "green"), ("files/sub/clip.mp4", "blue"), ("frames", "red")]),
    ],
)
def test_a_folder_of_frames_is_one_video(run, videos, inputs, expected):
    result = run(MOODS, *inputs)
    assert result.exit_code == 0, result.stderr
    assert [(line["source"], line["predictions"][0]["label"]) for line in lines(result)] == expected
    assert all(line["clips"] for line in lines(result))


def test_videos_as_csv_and_table_and_what_goes_wrong(run, videos, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"nonsense")
    (tmp_path / "void").mkdir()
    result = run(
        MOODS, "clip.mp4", "broken.mp4", "void", "--format", "csv", "--top", "1", "--clips", "1", "--frame-rate", "9"
    )
    assert result.exit_code == 1
    assert [(row["source"], row["label"]) for row in rows(result)] == [("clip.mp4", "red"), ("broken.mp4", "")]
    assert result.stderr.splitlines()[0].startswith("Error: ")
    assert "Error: void: no pictures and no videos in this folder." in result.stderr.splitlines()
    assert "Error: broken.mp4: not a video in a known format" in result.stderr
    assert result.stderr.splitlines()[-1] == "1 answered, 2 failed."
    text = run(MOODS, "clip.mp4", "--format", "table", "--top", "1").stdout.splitlines()
    assert text[0].split() == ["Video", "Label", "Probability"]
    assert text[1].split()[:2] == ["clip.mp4", "red"]
    listed = run(MOODS, "-", input=b"clip.mp4\nframes\n")
    assert [line["source"] for line in lines(listed)] == ["clip.mp4", "frames"]


@pytest.fixture
def scrolled(tmp_path):
    """Five pictures of a texture that moves, as files and as a folder."""
    first = texture(48, 32)
    for number in range(5):
        for name in (f"{number}.png", f"frames/{number}.png"):
            save(tmp_path / name, shifted(first, 2 * number, -number))


NAMES = [f"{number}.png" for number in range(5)]


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (NAMES[:2], [("0.png", None)]),
        (NAMES[:4], [("0.png", None), ("2.png", None)]),
        ([*NAMES[:3], "--pairs", "consecutive"], [("0.png", None), ("1.png", None)]),
        (["[0-3].png", "--pairs", "separate"], [("0.png", None), ("2.png", None)]),
        (["frames"], [("frames", number) for number in range(4)]),
        (
            ["0.png", "1.png", "frames", "3.png", "4.png"],
            [("0.png", None), *[("frames", n) for n in range(4)], ("3.png", None)],
        ),
    ],
)
def test_pictures_make_pairs_and_videos_many(run, scrolled, inputs, expected):
    result = run(SHIFTS, *inputs)
    assert result.exit_code == 0, result.stderr
    assert [(line["source"], line.get("frame")) for line in lines(result)] == expected
    assert all(line["mean_flow"] == [2, -1] for line in lines(result))
    assert all(line["size"] == [32, 48] for line in lines(result))


@pytest.mark.parametrize(
    ("inputs", "lonely", "answers"),
    [
        (NAMES[:3], "2.png", 1),
        (NAMES[:1], "0.png", 0),
        ([NAMES[0], "frames", *NAMES[1:3]], "0.png", 5),
        ([NAMES[0], "--pairs", "consecutive"], "0.png", 0),
    ],
)
def test_a_picture_without_a_second_is_named(run, scrolled, inputs, lonely, answers):
    result = run(SHIFTS, *inputs)
    assert result.exit_code == 1
    assert len(lines(result)) == answers
    assert f"Error: {lonely}: has no second picture; optical flow is between two." in result.stderr


def test_flow_as_csv_and_table(run, scrolled):
    table = rows(run(SHIFTS, "0.png", "1.png", "frames", "--format", "csv"))
    assert [row["frame"] for row in table] == ["", "0", "1", "2", "3"]
    assert (table[0]["mean_right"], table[0]["mean_down"]) == ("2", "-1")
    text = run(SHIFTS, "0.png", "1.png", "frames", "none.png", "1.png", "--format", "table").stdout.splitlines()
    assert text[0].split() == ["Pair", "or", "video", "Frame", "Right", "Down", "Mean", "Largest"]
    assert text[1].split() == ["0.png", "2.00", "-1.00", "2.24", "2.24"]
    assert text[2].split() == ["frames", "0", "2.00", "-1.00", "2.24", "2.24"]
    assert text[-1].split() == ["none.png", "(failed)"]


def drawings(folder):
    found = {}
    for name in sorted(os.listdir(folder)):
        with Image.open(os.path.join(folder, name)) as picture:
            picture.load()
            found[name] = picture.format
    return found


def test_drawings_of_pictures(run, pictures, tmp_path):
    save(tmp_path / "pictures" / "photo.JPEG", scene(90, 70, red=(10, 10, 50, 50, 255)))
    result = run(BOXES, "pictures", "none.png", "--draw", "new/drawn")
    assert result.exit_code == 1
    assert drawings("new/drawn") == {"a.png": "PNG", "a-2.png": "PNG", "z.png": "PNG", "photo.jpg": "JPEG"}
    again = run(REGIONS, "pictures", "--draw", "new/drawn")
    assert again.exit_code == 0, again.stderr
    assert len(drawings("new/drawn")) == 8, "what is there stays"
    before = (tmp_path / "pictures" / "a.png").read_bytes()
    assert run(REGIONS, "pictures/a.png", "--draw", "pictures").exit_code == 0
    assert (tmp_path / "pictures" / "a.png").read_bytes() == before
    assert "a-2.png" in os.listdir("pictures")


def test_drawings_of_videos_and_flow(run, videos, scrolled):
    assert run(MOODS, "clip.mp4", "both/frames", "--draw", "moods").exit_code == 0
    assert drawings("moods") == {"clip.png": "PNG", "frames.png": "PNG"}
    assert run(SHIFTS, "0.png", "1.png", "files", "--draw", "flow").exit_code == 0
    assert [*drawings("flow")] == ["0.png", *(f"clip-{n:06}{s}.png" for n in range(5) for s in ("-2", ""))]


def test_drawings_that_cannot_be_written(run, pictures, tmp_path):
    (tmp_path / "file").write_text("")
    result = run(BOXES, "pictures", "--draw", "file")
    assert result.exit_code == 2
    assert "--draw: file cannot be written: File exists." in result.stderr


@pytest.mark.parametrize(
    ("weights", "arguments", "text"),
    [
        (REGIONS, ["--threshold", "0.5"], "--threshold: for detection; Regions_Weights.RGB_V1 is for segmentation."),
        (REGIONS, ["--top", "2"], "--top: for classification and detection and video; Regions_Weights.RGB_V1"),
        (BOXES, ["--clips", "2"], "--clips: for video; "),
        (MOODS, ["--pairs", "consecutive"], "--pairs: for optical flow; Moods_Weights.RGB_V1 is for video."),
        (SHIFTS, ["--frame-rate", "2"], "--frame-rate: for video; Shifts_Weights.V1 is for optical flow."),
        (BOXES, ["--threshold", "1.5"], "1.5 is not in the range 0<=x<=1"),
        (MOODS, ["--frame-rate", "0"], "0.0 is not in the range x>0"),
        ("VGG16_Weights.IMAGENET1K_FEATURES", [], "has no labels"),
    ],
)
def test_options_that_do_not_fit_the_task(run, weights, arguments, text):
    result = run(weights, "a.png", *arguments)
    assert result.exit_code == 2
    assert text in result.stderr.replace("'", "")


def test_help_names_every_task_and_costs_no_torch(plugin):
    code = """
import sys
from multiweight.cli import main
main(["predict", "--help"], standalone_mode=False)
print(sorted({"torch", "numpy", "PIL", "av"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.endswith("[]\n"), done.stderr
    for word in ("--threshold", "--draw", "--pairs", "--clips", "--frame-rate", "optical flow", "video"):
        assert word in done.stdout
