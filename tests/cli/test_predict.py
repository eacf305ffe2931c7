"""`multiweight predict`: what goes where, in which form, with which exit status."""

import csv
import fcntl
import io
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import termios
import warnings

import pytest
from click.testing import CliRunner

from multiweight.cli import predict
from multiweight.errors import DownloadError, HashMismatchError, OfflineError
from tests.catalogue.plugins import forget
from tests.predict import colours
from tests.predict.pictures import encoded, hostile_folder

ROOT = pathlib.Path(__file__).parents[2]
COLOUR = ["--weights", "tests/colour", "--device", "cpu"]


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """The folder that makes the colours' catalogue an installed plugin."""
    folder = tmp_path_factory.mktemp("site")
    colours.install(folder)
    return folder


@pytest.fixture
def run(plugin, monkeypatch, tmp_path):
    """Runs the command in this process, in a folder of its own."""
    monkeypatch.syspath_prepend(str(plugin))
    monkeypatch.chdir(tmp_path)
    forget()
    yield lambda *arguments, **options: CliRunner().invoke(predict.command, [*arguments, *COLOUR], **options)
    forget()


@pytest.fixture
def shell(plugin, tmp_path):
    """Starts the command as a process of its own."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{plugin}", "MULTIWEIGHT_OFFLINE": "1"}
    environment["TORCH_HOME"] = str(tmp_path / "torch_home")
    environment.pop("COLUMNS", None)  # pytest-xdist sets it, and it would win over the terminal's own width

    def start(*arguments, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": tmp_path, "env": environment} | options
        # Where the tests run in the background, Ctrl-C is ignored, and would be by what they start.
        options["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
        return subprocess.Popen([sys.executable, "-m", "multiweight", "predict", *arguments], **options)

    return start


@pytest.fixture
def pictures(tmp_path):
    """A folder: two pictures, a third in a folder of its own, and things that are none."""
    folder = tmp_path / "pictures"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(encoded("red"))
    (folder / "b.PNG").write_bytes(encoded("green", "PNG"))
    (folder / "sub" / "c.gif").write_bytes(encoded("blue", "GIF"))
    (folder / ".hidden.jpg").write_bytes(encoded("red"))
    (folder / "sub" / ".cache").mkdir()
    (folder / "sub" / ".cache" / "d.jpg").write_bytes(encoded("red"))
    (folder / "notes.txt").write_text("notes")
    os.mkfifo(folder / "pipe.jpg")
    return folder


def answers(text):
    """What JSON lines say, as pairs of source and best label (or `None` where there is an error)."""
    rows = [json.loads(line) for line in text.splitlines()]
    return [(row["source"], None if "error" in row else row["predictions"][0]["label"]) for row in rows]


ALL = [("pictures/a.jpg", "red"), ("pictures/b.PNG", "green"), ("pictures/sub/c.gif", "blue")]


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (["pictures/a.jpg"], ALL[:1]),
        (["pictures"], ALL),
        (["pictures/sub", "pictures/a.jpg", "pictures/a.jpg"], [ALL[2], ALL[0], ALL[0]]),
        (["pictures/*.[jJP]*[gG]"], ALL[:2]),
        (["pictures/**/*.gif"], ALL[2:]),
        (["pictures/**"], [*ALL[:2], ("pictures/notes.txt", None), ALL[2]]),
        (["pict*"], ALL),
        (["pictures/[a]*.jpg"], ALL[:1]),
    ],
)
def test_files_folders_and_patterns(run, pictures, inputs, expected):
    (pictures / "pipe.jpg").unlink()
    result = run(*inputs)
    assert answers(result.stdout) == expected
    assert result.exit_code == any(label is None for _, label in expected)


def test_a_folder_with_a_pipe_in_it_does_not_hang(run, pictures):
    assert answers(run("pictures").stdout) == ALL


def test_a_name_that_looks_like_a_pattern_is_a_name_first(run, tmp_path):
    (tmp_path / "a[1].jpg").write_bytes(encoded("blue"))
    (tmp_path / "a1.jpg").write_bytes(encoded("red"))
    assert answers(run("a[1].jpg").stdout) == [("a[1].jpg", "blue")]


def test_a_list_on_standard_input(run, pictures):
    name = os.fsencode(pictures.parent) + b"/\xff\xc3\xbc.jpg"
    pathlib.Path(os.fsdecode(name)).write_bytes(encoded("green"))
    lines = b"pictures/a.jpg\n\npictures/sub\r\n" + pathlib.Path("pictures/b.PNG").absolute().as_uri().encode()
    result = run("-", input=lines + b"\n" + name)
    assert result.exit_code == 0, result.stderr
    assert [label for _, label in answers(result.stdout)] == ["red", "blue", "green", "green"]
    assert os.fsencode(answers(result.stdout)[-1][0]) == name
    assert answers(result.stdout)[2][0].startswith("file://")


def test_json_lines_say_everything(run, pictures):
    result = run("pictures/a.jpg", "none.jpg", "--top", "2", "--format", "json")
    good, bad = map(json.loads, result.stdout.splitlines())
    assert list(good) == ["source", "predictions"]
    assert [list(row) for row in good["predictions"]] == [["label", "probability", "index"]] * 2
    assert good["predictions"][0]["probability"] > 0.9
    assert bad == {"source": "none.jpg", "error": "none.jpg: there is no such file."}


def test_csv_is_one_row_a_label(run, pictures):
    result = run("pictures/a.jpg", "none.jpg", "pictures/b.PNG", "--top", "2", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert list(rows[0]) == ["source", "rank", "label", "probability", "index", "error"]
    assert [(row["source"], row["rank"], row["label"], row["index"]) for row in rows if row["rank"] in ("1", "")] == [
        ("pictures/a.jpg", "1", "red", "0"),
        ("none.jpg", "", "", ""),
        ("pictures/b.PNG", "1", "green", "1"),
    ]
    assert rows[2]["error"] == "none.jpg: there is no such file."
    assert float(rows[0]["probability"]) + float(rows[1]["probability"]) <= 1.0001


def test_a_table_is_aligned(run, pictures):
    result = run("pictures/a.jpg", "none.jpg", "pictures/sub/c.gif", "--top", "2", "--format", "table")
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["Picture", "Label", "Probability"]
    assert lines[1].split()[:2] == ["pictures/a.jpg", "red"]
    assert lines[2].split()[0] in ("green", "blue")
    assert lines[3].split() == ["none.jpg", "(failed)"]
    assert lines[4].split()[:2] == ["pictures/sub/c.gif", "blue"]
    column = lines[0].index("Label")
    assert all(line[column - 1] == " " != line[column] for line in lines)
    assert all(len(line) == len(lines[0]) for line in lines if line.endswith("%"))


def test_each_failure_is_named_on_standard_error(run, tmp_path):
    expected = hostile_folder(tmp_path / "hostile")
    paths = [os.path.join("hostile", name) for name in expected]
    result = run(*paths)
    assert result.exit_code == 1
    assert [source for source, _ in answers(result.stdout)] == paths
    bad = [name for name, label in expected.items() if label is None]
    *errors, summary = result.stderr.splitlines()
    assert len(errors) == len(bad)
    for name, line in zip(bad, errors, strict=True):
        assert line.startswith(f"Error: hostile/{name}: ")
    assert summary == f"{len(expected) - len(bad)} answered, {len(bad)} failed."


def test_a_hostile_folder_is_walked(run, tmp_path):
    expected = hostile_folder(tmp_path / "hostile")
    result = run("hostile", "--format", "csv", "--top", "1")
    assert result.exit_code == 1
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["source"] for row in rows] == [f"hostile/{name}" for name in expected]
    for row, label in zip(rows, expected.values(), strict=True):
        assert row["label"] == ("" if label is None else row["label"] if label == "grey" else label)


def test_a_line_break_in_a_name_does_not_break_a_line(run, tmp_path):
    (tmp_path / "a\nb\x1b[2J.jpg").write_bytes(b"")
    for form in ("table", "json"):
        result = run("a\nb\x1b[2J.jpg", "--format", form)
        assert result.stderr.splitlines()[0] == r"Error: a\nb\x1b[2J.jpg: empty (0 bytes)."
        assert "\x1b" not in result.stdout
    assert answers(result.stdout) == [("a\nb\x1b[2J.jpg", None)]


@pytest.mark.parametrize(
    ("name", "form"), [("o.csv", "csv"), ("O.CSV", "csv"), ("o.json", "json"), ("o.jsonl", "json"), ("o", "json")]
)
def test_results_in_a_file(run, pictures, tmp_path, name, form):
    (tmp_path / name).write_text("of yesterday")
    result = run("pictures", "--output", name)
    assert result.exit_code == 0
    assert result.stdout == result.stderr == ""
    assert not list(tmp_path.glob("*.partial"))
    text = (tmp_path / name).read_text()
    if form == "csv":
        assert [row["source"] for row in csv.DictReader(io.StringIO(text)) if row["rank"] == "1"] == [s for s, _ in ALL]
    else:
        assert answers(text) == ALL


def test_a_file_has_its_name_only_when_it_is_complete(run, pictures, tmp_path, monkeypatch):
    (tmp_path / "o.json").write_text("of yesterday")

    def interrupted(*arguments):
        yield str(pictures / "a.jpg")
        raise KeyboardInterrupt

    monkeypatch.setattr(predict, "expand", interrupted)
    result = run("pictures", "--output", "o.json", "--batch-size", "1")
    assert result.exit_code == 130
    assert (tmp_path / "o.json").read_text() == "of yesterday"
    assert "Traceback" not in result.stderr
    assert result.stderr.endswith("Interrupted.\n")


@pytest.mark.parametrize("output", ["no/such/folder/o.json", "pictures"])
def test_a_file_that_cannot_be_written_is_found_out_first(run, pictures, output):
    result = run("pictures/a.jpg", "--output", output)
    assert result.exit_code == 2
    assert f"{output} cannot be written: " in result.stderr


def test_output_to_a_device(run, pictures):
    result = run("pictures/a.jpg", "--output", "/dev/null")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert answers(run("pictures/a.jpg", "--output", "-").stdout) == ALL[:1]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "Missing argument 'INPUT...'"),
        (["void"], "void: no pictures in this folder.\nError: There is nothing to do."),
        (["*.none"], r"*.none: nothing matches." "\nError: There is nothing to do."),
        (["a.jpg", "--top", "0"], "0 is not in the range x>=1"),
        (["a.jpg", "--batch-size", "0"], "0 is not in the range x>=1"),
        (["a.jpg", "--workers", "0"], "0 is not in the range x>=1"),
        (["a.jpg", "--format", "xml"], "'xml' is not one of"),
    ],
)
def test_wrong_usage(run, tmp_path, arguments, text):
    (tmp_path / "void").mkdir()
    result = run(*arguments)
    assert result.exit_code == 2
    assert text in result.stderr
    assert result.stdout == ""


def test_unknown_weights_and_devices(run, pictures):
    result = run("pictures/a.jpg", "--weights", "tests/color", "--device", "cpu")
    assert result.exit_code == 0, "the last --weights counts"
    result = CliRunner().invoke(predict.command, ["pictures/a.jpg", "--weights", "tests/color"])
    assert result.exit_code == 2
    assert "Did you mean tests/colour?" in result.stderr
    result = CliRunner().invoke(predict.command, ["pictures/a.jpg", *COLOUR[:2], "--device", "cuda:99"])
    assert result.exit_code == 2
    assert "--device: The device 'cuda:99' cannot be used here" in result.stderr


@pytest.mark.parametrize("error", [OfflineError, DownloadError, HashMismatchError])
def test_weights_that_cannot_be_had(run, pictures, monkeypatch, error):
    def refuse(**options):
        raise error("The file is not here.")

    monkeypatch.setattr(colours, "network", refuse)
    result = run("pictures/a.jpg", "--output", "o.json")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: The file is not here.")
    assert ("--weights ShuffleNet_V2_X0_5_Weights.DIGITS_V2" in result.stderr) == (error is not HashMismatchError)
    assert os.listdir() == ["pictures"]


def test_inputs_that_match_nothing_beside_others_that_do(run, pictures):
    result = run("*.none", "pictures/a.jpg")
    assert result.exit_code == 1
    assert result.stderr == "Error: *.none: nothing matches.\n1 answered, 1 failed.\n"
    assert answers(result.stdout) == ALL[:1]


def test_filters_of_warnings_stay_as_they_were(run, pictures):
    before = list(warnings.filters)
    run("pictures/a.jpg")
    assert list(warnings.filters) == before


def test_standard_output_is_written_as_it_comes(shell, pictures):
    """A list that is still being made gets its first answers before it ends; then Ctrl-C."""
    with shell("-", *COLOUR, "--batch-size", "1", "--workers", "1", stdin=subprocess.PIPE) as process:
        process.stdin.write(b"pictures/a.jpg\n" * 5)
        process.stdin.flush()
        assert answers(process.stdout.readline().decode()) == ALL[:1]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == b"Interrupted.\n"
    assert set(answers(out.decode())) <= {ALL[0]}


def test_a_reader_that_goes_away_ends_it_quietly(shell, pictures):
    with shell(*["pictures/a.jpg"] * 2000, *COLOUR) as process:
        assert answers(process.stdout.readline().decode()) == ALL[:1]
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_without_network_it_says_what_works(shell, pictures):
    with shell("pictures/a.jpg") as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert out == b""
    assert b"Traceback" not in err
    assert err.startswith(b"Error: ResNet50_Weights.IMAGENET1K_V2")
    assert b"--weights ShuffleNet_V2_X0_5_Weights.DIGITS_V2" in err


def on_terminal(screen, terminal):
    """All that is written to a terminal until its last writer ends."""
    os.close(terminal)
    text = b""
    try:
        while piece := os.read(screen, 4096):
            text += piece
    except OSError:  # the other side is closed
        os.close(screen)
    return text.decode()


def test_long_work_shows_how_far_it_is_on_a_terminal(shell, pictures):
    screen, terminal = os.openpty()
    inputs = ["pictures/a.jpg"] * 39 + ["none.jpg"]
    with shell(*inputs, *COLOUR, stderr=terminal) as process:
        shown = on_terminal(screen, terminal)
        out = process.stdout.read().decode()
    assert process.returncode == 1
    assert answers(out) == [*ALL[:1] * 39, ("none.jpg", None)]
    assert "40/40" in shown
    assert "Error: none.jpg: there is no such file.\r\n" in shown
    assert shown.endswith("39 answered, 1 failed.\r\n")


def test_on_a_terminal_there_is_a_table(shell, pictures):
    """The default there; a name that is too long loses its beginning, not its end."""
    long = pictures / f"{'x' * 80}end.jpg"
    long.write_bytes(encoded("green"))
    screen, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    with shell(str(long), "pictures/a.jpg", "--top", "1", *COLOUR, stdout=terminal) as process:
        text = on_terminal(screen, terminal)
    assert process.returncode == 0
    header, first, second = re.sub(r"\x1b\[\d*m", "", text).splitlines()
    assert header.split() == ["Picture", "Label", "Probability"]
    assert re.fullmatch(r"…x+end\.jpg +green +100\.0%", first)
    assert re.fullmatch(r"pictures/a\.jpg +red +100\.0%", second)
    assert len(header) == len(first) == len(second) <= 60
