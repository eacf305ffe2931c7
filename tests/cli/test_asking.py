"""`list` and `show`, and how the command line behaves as a whole."""

import json
import math
import os
import subprocess
import sys

import pytest

from multiweight.catalogue import WeightsEnum, metric, weights_enums
from multiweight.cli import COMMANDS

ENTRIES = [entry for enum in weights_enums().values() for entry in enum]


def kind(entry):
    """The heading of the table that an entry is in."""
    task = type(entry).task.replace("_", " ").capitalize()
    return f"{task}, quantized" if "Quantized" in str(entry) else task


KINDS = list(dict.fromkeys(map(kind, ENTRIES)))


def accuracy(entry, worst=math.nan):
    """The first figure of an entry as more is better; an error, or what was not measured, is the worst."""
    key, value = next(iter(next(iter(entry.meta["metrics"].values())).items()))
    return worst if metric(key).lower_is_better or math.isnan(value) else value


def rank(entry):
    key, value = next(iter(next(iter(entry.meta["metrics"].values())).items()))
    return value if metric(key).lower_is_better else -accuracy(entry, worst=-math.inf)


def listed(result):
    """The entries that a printed table names, in its order."""
    assert result.exit_code == 0, result.output
    names = [line[2:].split()[0] for line in result.stdout.splitlines()[1:] if line[2:].strip()]
    return [name for name in names if "Weights." in name]


class TestList:
    def test_names_every_entry(self, run):
        assert listed(run("list")) == [str(entry) for entry in ENTRIES]

    @pytest.mark.parametrize(
        ("arguments", "fits"),
        [
            (["resnet50"], lambda e: "resnet50" in str(e).lower()),
            (["ResNet5?_*"], lambda e: str(e).startswith("ResNet50_")),
            (["shufflenet*", "resnet18"], lambda e: str(e).startswith(("ShuffleNet", "ResNet18"))),
            (["--task", "classification"], lambda e: type(e).task == "classification"),
            (["--task", "optical-flow"], lambda e: str(e).startswith("Raft")),
            (["--license", "no such licence"], lambda e: False),
            (["--dataset", "imagenet1k"], lambda e: "ImageNet-1K" in e.meta["metrics"]),
            (["--min-accuracy", "80.5"], lambda e: accuracy(e) >= 80.5),
            (["--max-gflops", "2"], lambda e: e.meta["gflops"] <= 2),
            (["--max-params", "12"], lambda e: e.meta["num_params"] <= 12e6),
            (["--max-size", "50"], lambda e: e.meta["file_size"] <= 50),
            (["--license", "unstated"], lambda e: "license" not in e.meta),
            (["--license", "*SWAG*"], lambda e: "SWAG" in e.meta.get("license", "")),
            (["--min-accuracy", "70", "--max-gflops", "4.1"], lambda e: accuracy(e) >= 70 and e.meta["gflops"] <= 4.1),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_filters(self, run, arguments, fits):
        result = run("list", *arguments)
        expected = [str(entry) for entry in ENTRIES if fits(entry)]
        assert listed(result) == expected
        if not expected:
            assert "No weights fit" in result.stderr

    @pytest.mark.parametrize(
        ("sort", "key"),
        [
            ("name", str),
            ("accuracy", rank),
            ("gflops", lambda e: e.meta["gflops"]),
            ("params", lambda e: e.meta["num_params"]),
            ("size", lambda e: e.meta["file_size"]),
        ],
    )
    def test_sorts(self, run, sort, key):
        by_kind = sorted(sorted(ENTRIES, key=key), key=lambda entry: KINDS.index(kind(entry)))
        assert listed(run("list", "--sort", sort)) == [str(entry) for entry in by_kind]

    def test_an_unknown_task_is_said_with_the_nearest(self, run):
        result = run("list", "--task", "detektion")
        assert result.exit_code == 2
        assert "There is no task 'detektion'. Did you mean detection?" in result.stderr

    def test_each_task_has_a_table_with_its_own_figures_and_quantized_weights_have_another(self, run):
        text = run("list").stdout
        tables = dict(zip(KINDS, text.split("\n\n"), strict=True))
        for title, table in tables.items():
            assert table.startswith(f"{title}\n")
        assert "Box mAP" in tables["Detection"]
        assert "mIoU" in tables["Segmentation"]
        assert "EPE" in tables["Optical flow"]
        assert "EPE" not in tables["Detection"]
        assert "Quantized" not in tables["Classification"]
        assert tables["Classification, quantized"].count("_QuantizedWeights.") == 16

    def test_figures_stand_in_the_table(self, run):
        lines = run("list", "ResNet50_Weights.IMAGENET1K_V2").stdout.splitlines()
        assert " ".join(lines[0].split()) == "Entry Measured on Acc@1 Acc@5 GFLOPs Params (M) MiB Licence"
        expected = "* ResNet50_Weights.IMAGENET1K_V2 ImageNet-1K 80.858 95.434 4.089 25.56 97.8 unstated"
        assert lines[1].split() == expected.split()

    def test_json_has_everything(self, run):
        result = run("list", "--json")
        records = {record["name"]: record for record in json.loads(result.stdout)}
        assert list(records) == [str(entry) for entry in ENTRIES]
        for entry in ENTRIES:
            record = records[str(entry)]
            assert record["url"] == entry.url
            assert record["sha256"] == entry.sha256
            assert record["variant"] == type(entry).variant
            assert record["default"] == (entry is type(entry)["DEFAULT"])
            assert record["num_params"] == entry.meta["num_params"]
            assert record.get("unquantized", "None") == str(entry.meta.get("unquantized"))
            settings = record["transforms"]["settings"]
            spec = type(entry.value.transforms)
            frozen = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
            assert spec(**frozen) == entry.value.transforms
        assert "NaN" not in result.stdout

    def test_compare_prints_the_gains(self, run):
        result = run("list", "--compare")
        assert "raft_large Sintel-Train-Cleanpass epe, lower is better C_T_V1" in " ".join(result.stdout.split())
        lines = [line for line in result.stdout.splitlines()[1:] if "ImageNet" in line]
        rows = {line.split()[0]: line.split() for line in lines}
        expected = "resnet50 ImageNet-1K acc@1 IMAGENET1K_V1 76.130 IMAGENET1K_V2 80.858 +4.728"
        assert rows["resnet50"] == expected.split()
        two = {
            enum.variant
            for enum in weights_enums().values()
            for stem in ("IMAGENET1K", "IMAGENET1K_FBGEMM")
            if {f"{stem}_V1", f"{stem}_V2"} <= {*enum.__members__}
        }
        assert set(rows) == two
        for row in rows.values():
            assert float(row[-1]) == pytest.approx(float(row[-2]) - float(row[-4]), abs=1e-3)

    def test_compare_without_anything_to_compare_says_so(self, run):
        result = run("list", "resnet18", "--compare")
        assert result.exit_code == 0
        assert "No variant" in result.stderr
        assert run("list", "--compare", "--json").exit_code == 2


class TestShow:
    @pytest.mark.parametrize("entry", ENTRIES, ids=str)
    def test_says_everything_and_gives_lines_that_run(self, run, entry):
        result = run("show", str(entry).lower())
        assert result.exit_code == 0, result.output
        text = result.stdout
        for fact in (entry.url, type(entry).variant, f"{entry.meta['num_params']:,}", entry.meta["recipe"]):
            assert fact in text
        for value in next(iter(entry.meta["metrics"].values())).values():
            assert str(value) in text
        code = text.strip().splitlines()[-3:]
        names: dict[str, object] = {}
        exec(code[0], names)
        assert names[type(entry).__name__] is type(entry)
        if "unquantized" in entry.meta:
            function = type(entry).variant.removeprefix("quantized_")
            assert code[1] == f"model = {function}(weights={entry}, quantize=True).eval()"
            assert all(fact in text for fact in (str(entry.meta.unquantized), entry.meta.backend))
        else:
            assert code[1] == f"model = {type(entry).variant}(weights={entry}).eval()"
        exec(code[2], names)
        assert type(entry.value.transforms).__name__ in repr(names["preset"])

    def test_a_variant_means_its_default_and_names_the_others(self, run):
        text = run("show", "resnet50").stdout
        assert text.startswith("ResNet50_Weights.IMAGENET1K_V2  (DEFAULT)")
        assert "ResNet50_Weights.IMAGENET1K_V1" in text

    def test_json_and_labels(self, run):
        assert json.loads(run("show", "resnet50", "--json").stdout)["name"] == "ResNet50_Weights.IMAGENET1K_V2"
        labels = run("show", "resnet50", "--labels").stdout.splitlines()
        assert tuple(labels) == weights_enums()["ResNet50_Weights"]["DEFAULT"].meta["categories"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lst"], "Did you mean list?"),
        (["show", "resnet5"], "resnet50"),
        (["show", "ResNet50_Weights.IMAGENET1K_V3"], "IMAGENET1K_V2"),
        (["show"], "REF"),
        (["list", "--sort", "colour"], "accuracy"),
        (["download", "resnet50", "resnet5"], "resnet50"),
        (["verify", "nonsense"], "'nonsense'"),
        (["cache", "remove"], "--all"),
        (["cache", "remove", "nonsense.pth"], "'nonsense.pth'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_message_and_status_2(run, arguments, words):
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(run, name):
    result = run(name, "--help")
    assert result.exit_code == 0
    assert "Examples:" in result.output
    assert f"multiweight {name}" in result.output
    assert COMMANDS[name] in run("--help").output


def test_the_module_is_the_command():
    ran = subprocess.run([sys.executable, "-m", "multiweight", "--version"], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0
    assert "multiweight" in ran.stdout


def test_a_closed_pipe_ends_quietly():
    """As in `multiweight list --json | head -1`."""
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "multiweight", "list", "--json"], stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    os.close(read)
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors


def test_a_broken_plugin_is_named_and_skipped(tmp_path):
    """Installed for one process only, as metadata on its path."""
    for name, code in {
        "broken_lab": "raise RuntimeError('no luck')",
        "good_lab": (
            "from multiweight.catalogue import *\n"
            "class LabNet_Weights(WeightsEnum, variant='good_lab/labnet', builder='good_lab:labnet'):\n"
            "    A_V1 = Weights('file:///a.pth', ImageClassification(crop_size=8), dict(categories=('x',), "
            "num_params=1, min_size=(1, 1), gflops=0.1, file_size=0.1, metrics={'Flowers': {'acc@1': 50.0}}, "
            "recipe='-'))\n"
            "    DEFAULT = A_V1\n"
        ),
        "clashing_lab": (
            "from multiweight.catalogue import *\n"
            "class ResNet50_Weights(WeightsEnum, variant='clashing_lab/net'):\n"
            "    A_V1 = Weights('file:///a.pth', ImageClassification(crop_size=8), {})\n"
        ),
    }.items():
        (tmp_path / f"{name}.py").write_text(code)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[multiweight.catalogue]\n{name} = {name}\n")

    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "multiweight", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "PYTHONPATH": str(tmp_path), **environment},
        )

    ran = run("list")
    assert ran.returncode == 0
    assert "LabNet_Weights.A_V1" in ran.stdout
    assert "ResNet50_Weights.IMAGENET1K_V2" in ran.stdout
    assert "broken_lab" in ran.stderr
    assert "RuntimeError: no luck" in ran.stderr
    assert "clashing_lab" in ran.stderr
    assert "multiweight.catalogue.resnet" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "LabNet_Weights.A_V1  (DEFAULT)" in run("show", "good_lab/labnet").stdout
    without = run("list", MULTIWEIGHT_PLUGINS="0")
    assert "LabNet" not in without.stdout
    assert without.stderr == ""


def test_names_are_enums_all_the_way():
    assert all(issubclass(enum, WeightsEnum) for enum in weights_enums().values())
