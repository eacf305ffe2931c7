"""`multiweight quantize`: what it prints, writes and reports as its exit status."""

import json

from multiweight.catalogue import read_header
from multiweight.data import open_dataset

DIGITS = "ShuffleNet_V2_X0_5_Weights.DIGITS_V2"


def test_quantizes_and_says_what_it_cost(run, tmp_path):
    path = tmp_path / "int8.safetensors"
    result = run("quantize", DIGITS.lower(), "--data", "digits", "--pictures", "64", "--output", str(path))
    assert result.exit_code == 0, result.output
    first, _, head, top1, top5, *_, where, written = result.stdout.splitlines()
    assert first == f"{DIGITS}, with 8 bits: ranges from 64 pictures of UCI digits, train"
    assert head.split() == ["Figure", "Float", "8", "bits", "Difference"]
    header = read_header(path)
    before, after = header.quantization["metrics"]["UCI digits"], header.metrics["UCI digits"]
    for line, key in ((top1, "acc@1"), (top5, "acc@5")):
        cells = [float(cell) for cell in line.replace("%", "").split()[1:]]
        assert cells == [before[key], after[key], round(after[key] - before[key], 3)]
    assert where == "Measured with 360 pictures of UCI digits, val"
    assert written.startswith(f"Written: {path} (0.")
    shown = run("show", str(path)).stdout
    assert "quantized_shufflenet_v2_x0_5" in shown
    assert "quantize=True" in shown
    assert run("verify", str(path)).exit_code == 0
    assert "int8.safetensors" in run("list", str(path)).stdout
    answer = run("predict", "examples/digits/0040_8.png", "--weights", str(path), "--top", "1", "--format", "table")
    assert answer.stdout.splitlines()[1].split()[1] == "8"


def test_pictures_without_classes_are_not_measured(run, tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    dataset = open_dataset("digits", "train")
    for index in range(8):
        dataset.picture(index).save(folder / f"{index}.png")
    (folder / "9.png").write_bytes(b"\x89PNG")
    path = tmp_path / "int8.safetensors"
    result = run("quantize", DIGITS, "--data", str(folder), "--output", str(path), "--format", "json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert (said["pictures"], said["variant"]) == (8, "quantized_shufflenet_v2_x0_5")
    assert "class folders" in said["unmeasured"]
    assert "before" not in said
    assert "9.png" in said["unreadable"][0]["source"]
    assert "9.png" in result.stderr
    table = run("quantize", DIGITS, "--data", str(folder), "--output", str(path))
    assert "Not measured: " in table.stdout


def test_wrong_weights_and_places_are_refused(run, tmp_path):
    unknown = run("quantize", "resnet51", "--data", "digits", "--output", str(tmp_path / "x.safetensors"))
    assert unknown.exit_code == 2
    assert "resnet50" in unknown.stderr
    nowhere = run("quantize", DIGITS, "--data", "digits", "--output", str(tmp_path / "no" / "x.safetensors"))
    assert nowhere.exit_code == 1
    assert "no folder" in nowhere.stderr
    twice = run(
        "quantize",
        "MobileNet_V2_QuantizedWeights.DIGITS_INT8_V2",
        *("--data", "digits", "--output", str(tmp_path / "x.safetensors")),
    )
    assert twice.exit_code == 1
    assert "quantized already" in twice.stderr
    assert not list(tmp_path.glob("*.safetensors"))
