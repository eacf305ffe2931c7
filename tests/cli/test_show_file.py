"""The command line and weights files that know what they are."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from multiweight.catalogue import Header, ImageClassification, get_weight, header_json, read_header
from multiweight.store.save import save_weights

DIGITS = get_weight("ShuffleNet_V2_X0_5_Weights.DIGITS_V1")
PICTURES = Path(__file__).parents[2] / "examples/digits"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a file that says much and one that says little, which is the current one."""
    monkeypatch.chdir(tmp_path)
    little = {
        "variant": "shufflenet_v2_x0_5",
        "labels": DIGITS.meta["categories"],
        "preset": DIGITS.value.transforms,
    }
    much = {
        "builder": "multiweight.models:shufflenet_v2_x0_5",
        "arguments": {},
        "metrics": {"UCI digits": {"acc@1": 98.889, "acc@5": 100.0}},
        "measured": ({"dataset": "UCI digits", "split": "val", "resolution": [64, 64], "preset": "0123456789ab"},),
        "recipe": {"name": "digits_v1", "text": 'name = "digits_v1"\n', "sha256": "ab" * 32, "seed": 3},
        "versions": {"torch": "2.13.0"},
        "parent": {"name": "ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1", "sha256": None},
        "license": "BSD-3-Clause",
        "num_params": 352_042,
        "gflops": 0.003,
        "min_size": (1, 1),
        "extra": {"mood": "\x1b[2Jgood\nVERIFIED"},
    }
    state = DIGITS.get_state_dict()
    save_weights(state, "best.safetensors", Header(**little, **much))
    save_weights(state, "bare 20240601.safetensors", Header(**little))
    return tmp_path


class TestShow:
    def test_says_everything_and_gives_lines_that_run(self, run, folder):
        result = run("show", "best.safetensors")
        assert result.exit_code == 0, result.output
        facts = (
            "shufflenet_v2_x0_5 (classification)",
            "Acc@1 98.889, Acc@5 100.0",
            "10: 0, 1, 2, …",
            "352,042",
            "0.003 multiply-adds",
            "digits_v1: multiweight recipe show best.safetensors",
            "seed 3",
            "dataset UCI digits, split val, resolution 64, 64, preset 0123456789ab",
            "torch 2.13.0",
            "name ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1",
            "BSD-3-Clause",
            read_header("best.safetensors").tensors_sha256,
            str(folder / "best.safetensors"),
            "crop_size=36",
        )
        for fact in facts:
            assert fact in result.stdout
        names: dict[str, object] = {}
        exec("\n".join(result.stdout.strip().splitlines()[-3:]), names)
        assert not names["model"].training
        assert names["preset"].crop_size == [36]

    def test_what_a_file_says_cannot_command_the_terminal(self, run, folder):
        text = run("show", "best.safetensors").stdout
        assert r"\x1b[2Jgood\nVERIFIED" in text
        assert "\x1b" not in text

    def test_a_file_that_says_little(self, run, folder):
        result = run("show", "bare 20240601.safetensors")
        assert result.exit_code == 0, result.output
        assert "recipe                  unstated" in result.stdout
        assert "weights='bare 20240601.safetensors'" in result.stdout

    def test_json_has_the_whole_header(self, run, folder):
        said = json.loads(run("show", "best.safetensors", "--json").stdout)
        assert said["name"] == "best.safetensors"
        assert said["metrics"] == {"UCI digits": {"acc@1": 98.889, "acc@5": 100.0}}
        assert said["categories"] == list("0123456789")
        assert said["header"] == json.loads(header_json(read_header("best.safetensors")))
        assert json.loads(run("show", "bare 20240601.safetensors", "--json").stdout)["header"]["labels"]

    def test_labels(self, run, folder):
        assert run("show", "best.safetensors", "--labels").stdout.split() == list("0123456789")


@pytest.mark.parametrize("arguments", [("show", "best.safetensors"), ("list", "best.safetensors", "--json")])
def test_asking_imports_nothing_heavy(folder, arguments):
    code = f"""
import sys
from multiweight.cli import main
main({list(arguments)!r}, standalone_mode=False)
print("heavy:", *{{"torch", "numpy", "PIL", "safetensors"}} & set(sys.modules))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.stdout.endswith("heavy:\n"), ran.stdout[-100:] + ran.stderr


class TestList:
    def test_files_stand_for_what_is_in_them(self, run, folder):
        result = run("list", "best.safetensors", "bare 20240601.safetensors", "--sort", "accuracy")
        assert result.exit_code == 0, result.output
        lines = result.stdout.splitlines()
        assert [line.split(".")[0].strip() for line in lines[1:]] == ["best", "bare 20240601"]
        assert "98.889" in lines[1]
        named = json.loads(run("list", "./best.safetensors", "alexnet", "--json").stdout)
        assert [entry["name"] for entry in named] == ["AlexNet_Weights.IMAGENET1K_V1", "best.safetensors"]

    @pytest.mark.parametrize("sort", ["name", "accuracy", "gflops", "params", "size"])
    def test_sorts_and_limits_bear_what_is_not_said(self, run, folder, sort):
        files = ("best.safetensors", "bare 20240601.safetensors")
        result = run("list", *files, "--sort", sort, "--json")
        assert {entry["name"] for entry in json.loads(result.stdout)} == set(files)
        limited = run("list", *files, "--max-gflops", "1", "--max-params", "1", "--min-accuracy", "90", "--json")
        assert [entry["name"] for entry in json.loads(limited.stdout)] == ["best.safetensors"]


class TestVerify:
    def test_a_right_file(self, run, folder):
        result = run("verify", "best.safetensors")
        assert result.exit_code == 0, result.output
        assert "best.safetensors: right" in result.stdout

    def test_one_changed_byte_of_a_tensor(self, run, folder):
        path = folder / "best.safetensors"
        content = bytearray(path.read_bytes())
        content[-100] ^= 1
        path.write_bytes(content)
        result = run("verify", "best.safetensors")
        assert result.exit_code == 1
        assert "WRONG, its tensors have the SHA-256" in result.stdout
        assert "1 of 1 files" in result.stderr


def test_predict_needs_nothing_else(run, folder):
    pictures = [str(PICTURES / name) for name in ("0000_0.png", "0005_5.png")]
    result = run("predict", "--weights", "best.safetensors", *pictures, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert result.stdout == run("predict", "--weights", str(DIGITS), *pictures, "--device", "cpu").stdout


def test_download_finds_it_here(run, folder):
    assert run("download", "best.safetensors").stdout.strip() == str(folder / "best.safetensors")


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (None, 2, "There is no file run.safetensors"),
        (b"", 1, "run.safetensors is no whole safetensors file"),
        (b"\x02\0\0\0\0\0\0\0{}", 1, "run.safetensors does not say what it is"),
    ],
    ids=["missing", "empty", "without a header"],
)
def test_what_is_wrong_is_one_message(run, tmp_path, monkeypatch, content, status, words):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("run.safetensors").write_bytes(content)
    for arguments in (("show", "run.safetensors"), ("verify", "run.safetensors"), ("list", "run.safetensors")):
        result = run(*arguments)
        assert result.exit_code == status
        assert words in result.stderr
        assert "Traceback" not in result.output
    result = run("predict", "--weights", "run.safetensors", str(PICTURES / "0000_0.png"))
    assert result.exit_code == 2  # as any other weights that cannot be used
    assert words in result.stderr


def test_a_preset_that_says_too_little_for_its_task(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = Header(variant="shufflenet_v2_x0_5", labels=None, preset=ImageClassification(crop_size=64))
    save_weights(DIGITS.get_state_dict(), "run.safetensors", said)
    result = run("predict", "--weights", "run.safetensors", str(PICTURES / "0000_0.png"))
    assert result.exit_code == 2
    assert "has no labels" in result.stderr
    assert "none: the last layer was not trained" in run("show", "run.safetensors").stdout


class TestProbe:
    @pytest.fixture
    def asked(self, folder):
        from multiweight import save
        from multiweight.models import shufflenet_v2_x0_5

        save(shufflenet_v2_x0_5(weights=DIGITS), "asked.safetensors")
        return "asked.safetensors"

    def test_show(self, run, asked, folder):
        text = run("show", asked).stdout
        assert "1 × 3 × 36 × 36 gave 1 × 10: " in text
        assert "(float32 on cpu, torch 2." in text
        said = read_header(asked)
        for probe, words in (
            ({"absent": "none was asked for"}, "none: none was asked for"),
            ({"version": 9}, "of version 9, which a later release compares"),
        ):
            save_weights(DIGITS.get_state_dict(), "other.safetensors", replace(said, probe=probe))
            assert words in run("show", "other.safetensors").stdout

    def test_verify(self, run, asked, folder):
        result = run("verify", asked, "best.safetensors", "--probe")
        assert result.exit_code == 0, result.output
        assert "probe: the same answers: they differ by" in result.stdout
        assert "best.safetensors has no probe" in result.stdout
        state = DIGITS.get_state_dict()
        state["fc.bias"] = state["fc.bias"] + 1
        save_weights(state, "other.safetensors", read_header(asked))
        assert run("verify", "other.safetensors").exit_code == 0
        result = run("verify", "other.safetensors", "--probe")
        assert result.exit_code == 1
        assert "OTHER ANSWERS: they differ by" in result.stdout
