"""Every way to name a file of weights, here and elsewhere, and files that do not say what they are."""

import json
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from multiweight import Predictor, evaluate
from multiweight.catalogue import get_model_weights, get_weight, list_models, resolve
from multiweight.catalogue._plain import OUTER, PREFIXES, outputs_of, shapes_of, unwrap
from multiweight.catalogue._references import FileReference, is_file_reference, parse
from multiweight.errors import (
    CorruptFileError,
    DownloadError,
    HeaderError,
    MismatchError,
    MissingExtraError,
    MultiweightError,
    OfflineError,
    UnknownModelError,
    UnknownWeightsError,
    UnsafeFileError,
    WeightsFileError,
)
from multiweight.models import get_model, get_model_builder, mobilenet_v2, resnet18
from multiweight.store.load import StateDict, read_state_dict
from tests.hub import Hub, connect
from tests.store.server import Server

DIGITS = get_weight("ShuffleNet_V2_X0_5_Weights.DIGITS_V2")
FILE = Path(DIGITS.url.replace("package://multiweight/", str(Path(resolve.__code__.co_filename).parents[1]) + "/"))


@pytest.fixture(scope="module")
def running():
    with Hub() as hub, Server() as server:
        yield hub, server


@pytest.fixture
def hub(running, monkeypatch, tmp_path):
    """A hub, an empty cache, and a folder to work in."""
    hub, _ = running
    hub.repositories.clear()
    hub.requests.clear()
    connect(hub, monkeypatch, token=None)
    return hub


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("torch.hub._hub_dir", None)
    monkeypatch.setenv("MULTIWEIGHT_RETRY_DELAY", "0")
    monkeypatch.setenv("NO_PROXY", "*")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture(scope="module")
def small():
    """The tensors of a small network with three outputs."""
    torch.manual_seed(0)
    return mobilenet_v2(width_mult=0.25, num_classes=3).state_dict()


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(tensor, other[name]) for name, tensor in one.items())


class TestSpelling:
    @pytest.mark.parametrize(
        ("text", "parts"),
        [
            ("mine.pth", ("mine.pth", None, None)),
            (" ResNet50=mine.pth ", ("mine.pth", "resnet50", None)),
            ("resnet50=mine.pth#model_ema", ("mine.pth", "resnet50", "model_ema")),
            ("mylab/labnet=hf://a/b", ("hf://a/b", "mylab/labnet", None)),
            ("https://x.org/y?download=true", ("https://x.org/y?download=true", None, None)),
            ("resnet50=https://x.org/y?a=b#ema", ("https://x.org/y?a=b", "resnet50", "ema")),
            ("./a=b.pth", ("./a=b.pth", None, None)),
            ("/data/a=b.pth", ("/data/a=b.pth", None, None)),
            ("hf://a/b@v=1/c.pth", ("hf://a/b@v=1/c.pth", None, None)),
        ],
    )
    def test_the_parts_of_a_reference(self, text, parts):
        assert parse(text) == parts
        assert is_file_reference(text)
        assert parse(str(FileReference(*parts))) == parts

    def test_what_is_there_under_that_name_is_meant(self):
        for name in ("resnet50=mine.pth", "mine.pth#ema"):
            Path(name).touch()
            assert parse(name) == (name, None, None)
        assert parse(Path("resnet18=mine.pth")) == ("resnet18=mine.pth", None, None)

    @pytest.mark.parametrize("name", ["resnet50", "ResNet50_Weights.DEFAULT", "mylab/labnet", "DEFAULT", "a=", ""])
    def test_names_are_no_files(self, name):
        assert not is_file_reference(name)

    @pytest.mark.parametrize(
        ("reference", "error", "words"),
        [
            ("DEFAULT", UnknownWeightsError, "Say of which, as in 'resnet50'"),
            ("best", UnknownWeightsError, "many variants"),
            ("mylab/cats", UnknownWeightsError, "hub is written hf://mylab/cats"),
            ("resnt18=mine.pth", UnknownModelError, "Did you mean resnet18"),
            ("resnt18=hf://a/b/mine.pth", UnknownModelError, "Did you mean resnet18"),
            ("resnet18=mien.pth", UnknownWeightsError, "no file mien.pth. Did you mean mine.pth"),
            ("mine.pth", HeaderError, "'resnet50=mine.pth'"),
            ("shufflenet_v2_x1_0=digits.safetensors", MismatchError, "weights of shufflenet_v2_x0_5, not of shuff"),
            ("digits.safetensors#model", HeaderError, "says itself what it is, so no part"),
        ],
    )
    def test_what_means_nothing_is_said(self, small, reference, error, words):
        torch.save(small, "mine.pth")
        shutil.copy(FILE, "digits.safetensors")
        with pytest.raises(error, match=words):
            resolve(reference)


class TestElsewhere:
    def test_every_scheme_is_an_entry_of_a_file(self, running, hub, folder):
        _, server = running
        server.reset()
        server.files = {"/run/best.safetensors": FILE.read_bytes()}
        hub.put("mylab/digits", {"model.safetensors": FILE.read_bytes()})
        hub.put("mylab/digits", {"other/one.safetensors": FILE.read_bytes()}, "v2")
        expected = DIGITS.get_state_dict()
        for reference in (
            f"{server.url}/run/best.safetensors",
            f"{server.url}/run/best.safetensors?signature=secret",
            "hf://mylab/digits",
            "hf://mylab/digits@main/model.safetensors",
            "hf://mylab/digits@v2/other/one.safetensors",
            f"shufflenet_v2_x0_5={server.url}/run/best.safetensors",
        ):
            entry = resolve(reference)
            assert str(entry) == reference.partition("?")[0]
            assert entry.path.is_relative_to(folder.parent / "torch")
            assert entry.meta["categories"] == DIGITS.meta["categories"]
            assert pickle.loads(pickle.dumps(entry)) is entry
            assert equal(get_model("shufflenet_v2_x0_5", weights=reference).state_dict(), expected)
        asked = len(hub.requests), len(server.requests)
        assert Predictor("hf://mylab/digits", device="cpu").labels == DIGITS.meta["categories"]
        assert resolve(f"{server.url}/run/best.safetensors") is resolve(f"{server.url}/run/best.safetensors")
        assert (len(hub.requests), len(server.requests)) == asked

    def test_object_stores_are_asked_by_their_own_libraries(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "s3fs", None)
        monkeypatch.setitem(sys.modules, "gcsfs", None)
        for scheme, extra in (("s3", "s3"), ("gs", "gcs")):
            with pytest.raises(MissingExtraError, match=rf"multiweight\[{extra}\]"):
                resolve(f"{scheme}://bucket/best.safetensors")

    def test_offline_finds_what_is_here_and_asks_for_nothing(self, hub, monkeypatch):
        hub.put("mylab/digits", {"weights.safetensors": FILE.read_bytes(), "README.md": b"x"})
        expected = resolve("hf://mylab/digits")
        assert expected.url == "hf://mylab/digits/weights.safetensors"
        monkeypatch.setenv("MULTIWEIGHT_OFFLINE", "1")
        asked = len(hub.requests)
        assert resolve("hf://mylab/digits") is expected
        for reference in ("hf://mylab/digits@v2", "hf://mylab/others", "hf://mylab/digits/other.safetensors"):
            with pytest.raises(OfflineError, match="MULTIWEIGHT_OFFLINE"):
                resolve(reference)
        assert len(hub.requests) == asked

    def test_a_mirror_has_it(self, running, hub, monkeypatch):
        _, server = running
        server.reset()
        server.files = {"/hub/mylab/digits/model.safetensors": FILE.read_bytes()}
        monkeypatch.setenv("MULTIWEIGHT_MIRRORS", f"hf://={server.url}/hub/")
        assert resolve("hf://mylab/digits").meta["categories"] == DIGITS.meta["categories"]

    @pytest.mark.parametrize(
        ("files", "error", "words"),
        [
            (("a.safetensors", "b.safetensors"), UnknownWeightsError, "say which, as hf://mylab/x/a.safetensors"),
            (("pytorch_model.bin",), UnknownWeightsError, "VARIANT=hf://mylab/x/pytorch_model.bin"),
            ((), UnknownWeightsError, "no safetensors file; it has no files"),
            (None, DownloadError, "hf://mylab/x could not be downloaded"),
        ],
        ids=["two", "none of ours", "empty", "no repository"],
    )
    def test_a_repository_that_does_not_tell_which_file(self, hub, files, error, words):
        if files is not None:
            hub.put("mylab/x", dict.fromkeys(files, b"x"))
        with pytest.raises(error, match=words):
            resolve("hf://mylab/x")

    def test_a_file_of_timms_brings_what_says_what_it_is(self, hub):
        config = {
            "architecture": "resnet18",
            "num_classes": 5,
            "pretrained_cfg": {
                "input_size": [3, 64, 64],
                "crop_pct": 0.9,
                "mean": [0.5, 0.5, 0.5],
                "std": [0.5, 0.5, 0.5],
                "license": "apache-2.0",
            },
        }
        state = resnet18(num_classes=5).state_dict()
        save_file(state, "model.safetensors")
        files = {"model.safetensors": Path("model.safetensors").read_bytes()}
        hub.put("timm/resnet18.mine", files | {"config.json": json.dumps(config).encode()})
        entry = resolve("hf://timm/resnet18.mine")
        assert (entry.architecture, entry.transforms.crop_size) == ("timm/resnet18", 64)
        assert equal(resnet18(weights="hf://timm/resnet18.mine").state_dict(), state)
        hub.put("timm/resnetaa18.mine", files)
        with pytest.raises(MismatchError, match="another function"):
            resnet18(weights="hf://timm/resnetaa18.mine")

    def test_bytes_that_changed_under_their_published_name_are_refused(self, running):
        _, server = running
        server.reset()
        server.files = {"/net-00000000.safetensors": FILE.read_bytes()}
        with pytest.raises(MultiweightError, match="SHA-256"):
            resolve(f"{server.url}/net-00000000.safetensors")


def wrapped(state, *steps):
    """A state dict with wrappings put around it, the innermost first: a key, or a prefix with its dot."""
    for step in steps:
        state = {f"{step}{key}": value for key, value in state.items()} if step.endswith(".") else {step: state}
    return state


class TestPlain:
    @pytest.mark.parametrize("ending", ["pth", "old", "safetensors"])
    def test_it_loads_with_its_variant_named(self, small, ending):
        name = f"mine.{ending}"
        if ending == "safetensors":
            save_file(small, name)
        else:
            torch.save(small, name, _use_new_zipfile_serialization=ending == "pth")
        reference = f"mobilenet_v2={name}"
        entry = resolve(reference)
        assert str(entry) == reference
        assert entry is resolve(f"./{name}", variant="mobilenet_v2")
        assert entry.plain
        assert (entry.meta["categories"], entry.meta["metrics"]) == (None, {})
        assert "3 outputs" in entry.meta["outputs"]
        assert "num_params" not in entry.meta
        assert entry.transforms == get_model_weights("mobilenet_v2").DEFAULT.transforms
        assert pickle.loads(pickle.dumps(entry)) is entry
        for way in (reference, f"./{name}", Path(name), entry):
            assert equal(mobilenet_v2(weights=way, width_mult=0.25).state_dict(), small)
        assert equal(get_model("mobilenet_v2", weights=reference, width_mult=0.25, num_classes=3).state_dict(), small)
        with pytest.raises(TypeError, match="holds weights of mobilenet_v2, not of resnet18"):
            resnet18(weights=reference)
        with pytest.raises(MismatchError, match="missing"):
            resnet18(weights=f"./{name}")

    def test_labels_are_those_that_are_given(self):
        torch.save(resnet18(num_classes=2).state_dict(), "mine.pth")
        entry = resolve("resnet18=mine.pth", labels=["cat", "dog"])
        assert entry.meta["categories"] == ("cat", "dog")
        again = pickle.loads(pickle.dumps(entry))
        assert again is entry
        said = Predictor(entry, device="cpu")(torch.zeros(3, 40, 40, dtype=torch.uint8))
        assert said.label in ("cat", "dog")
        with pytest.raises(HeaderError, match="has 2 outputs, and 3 labels"):
            resolve("resnet18=mine.pth", labels=["cat", "dog", "cow"])
        with pytest.raises(ValueError, match="nobody has said what its 2 outputs are called"):
            Predictor("resnet18=mine.pth", device="cpu")
        with pytest.raises(ValueError, match="nobody has said what its 2 outputs are called"):
            evaluate.Evaluator("resnet18=mine.pth", data="digits")

    @pytest.mark.parametrize(
        "variant",
        [name for task in ("classification", "video") for name in list_models(task=task) if "quant" not in name],
    )
    def test_how_many_outputs_is_told_by_the_tensors(self, variant):
        with torch.device("meta"):
            state = get_model_builder(variant)(weights=None, num_classes=37).state_dict()
        assert outputs_of({name: tuple(tensor.shape) for name, tensor in state.items()}) == 37

    @pytest.mark.parametrize("save", ["zip", "old"])
    def test_shapes_are_read_without_torch(self, small, save):
        checkpoint = wrapped(small, "module.", "model") | {"epoch": 3, "optimizer": {"state": {0: {"step": 1.5}}}}
        torch.save(checkpoint, "mine.pth", _use_new_zipfile_serialization=save == "zip")
        assert shapes_of(Path("mine.pth")) == {name: tuple(tensor.shape) for name, tensor in small.items()}
        code = (
            "import sys; from multiweight.cli import main; sys.argv[1:] = ['show', 'mobilenet_v2=mine.pth']\n"
            "try: main()\nfinally: print([name for name in ('torch', 'numpy', 'PIL') if name in sys.modules])"
        )
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stderr
        assert "num_classes 3" in ran.stdout
        assert "a plain state dict" in ran.stdout
        assert ran.stdout.endswith("[]\n")

    def test_what_wants_code_is_refused(self, small):
        from argparse import Namespace

        torch.save({"model": small, "args": Namespace(lr=1)}, "mine.pth")
        with pytest.raises(UnsafeFileError, match=r"argparse\.Namespace"):
            resolve("mobilenet_v2=mine.pth").get_state_dict()

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (torch.ones(2), "it is a Tensor"),
            ({"epoch": 3}, "no tensors by name, but 'epoch'"),
            ({}, "but nothing"),
            ({"model": {1: torch.ones(2)}}, "its 'model' has the key 1"),
            ({1: torch.ones(2)}, "it has the key 1"),
            ({"module.": torch.ones(2)}, "called 'module.' and nothing more"),
            (wrapped({"a": torch.ones(2)}, *["model"] * 8), "nested more than"),
            (wrapped({"a": torch.ones(2)}, *["model"] * 9), "no tensors by name, but 'model'"),
            ({"a": torch.ones(2).to_sparse()}, "sparse"),
            ({"a": torch.ones(2, device="meta")}, "without numbers"),
            ({"weights": {"a": torch.ones(2)}}, "FILE#KEY"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_what_is_no_state_dict_is_named(self, content, words):
        torch.save(content, "mine.pth")
        with pytest.raises(CorruptFileError, match=re.escape(words)) as caught:
            resolve("resnet18=mine.pth").get_state_dict()
        assert "resnet18=mine.pth" in str(caught.value)

    @pytest.mark.parametrize("name", ["mine.pth", "mine.safetensors", "mine.bin"])
    @pytest.mark.parametrize("content", [b"", b"\0", b"<html>", b"PK\x03\x04", b"\x80\x02", bytes(range(256)) * 9])
    def test_what_is_no_file_of_weights_is_refused(self, name, content):
        Path(name).write_bytes(content)
        with pytest.raises(CorruptFileError, match=re.escape(name)):
            resnet18(weights=name)

    def test_dicts_in_dicts_without_end(self):
        bomb = {"a": 1}
        for _ in range(40):
            bomb = dict.fromkeys("abcdefgh", bomb)
        bomb["model"] = bomb
        torch.save(bomb, "mine.pth")
        with pytest.raises(WeightsFileError):
            resolve("resnet18=mine.pth").get_state_dict()


class TestUnwrapping:
    @pytest.fixture
    def path(self, tmp_path):
        return tmp_path / "mine.pth"

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(steps=st.lists(st.sampled_from([*OUTER, *PREFIXES]), max_size=6))
    def test_any_wrappings_in_any_order(self, path, steps):
        # A key inside a prefix would be a dict with a prefixed name, which nobody writes.
        steps = sorted(steps, key=lambda step: not step.endswith("."))
        state = {"conv.weight": torch.ones(2), "fc.bias": torch.zeros(1)}
        torch.save(wrapped(state, *steps), path)
        found = read_state_dict(path, name="mine", plain=True)
        assert equal(found, state)
        words = [f"the {'prefix' if step.endswith('.') else 'key'} {step!r}" for step in reversed(steps)]
        assert found.unwrapped == tuple(words)
        prefix = "".join(step for step in reversed(steps) if step.endswith("."))
        assert found.renamed == ({f"{prefix}{key}": key for key in state} if prefix else {})
        assert found.dropped == {}

    def test_a_prefix_that_not_all_have_stays(self):
        state = {"module.a": 1.0, "b": 2.0}
        assert unwrap(state, float).tensors == state

    def test_an_average_comes_first_unless_another_is_named(self, path):
        one, average = {"a": torch.ones(2)}, {"n_averaged": torch.tensor(5), "module.a": torch.zeros(2)}
        torch.save({"model": one, "model_ema": average, "epoch": 3, "best": [0.5]}, path)
        found = resolve(f"resnet18={path}").get_state_dict()
        assert equal(found, {"a": torch.zeros(2)})
        assert found.unwrapped == ("the key 'model_ema'", "the prefix 'module.'")
        assert found.renamed == {"module.a": "a"}
        assert found.dropped == {
            "model": "beside 'model_ema': another state dict, which #model takes",
            "epoch": "beside 'model_ema': of type int",
            "best": "beside 'model_ema': of type list",
            "n_averaged": "counts how many networks were averaged",
        }
        other = resolve(f"resnet18={path}#model")
        assert equal(other.get_state_dict(), one)
        assert str(other).endswith("mine.pth#model")
        assert pickle.loads(pickle.dumps(other)) is other
        with pytest.raises(CorruptFileError, match=r"no part 'ema' .*: 'model', 'model_ema'"):
            resolve(f"resnet18={path}#ema").get_state_dict()

    def test_versions_of_modules_stay_with_them(self, path):
        state = torch.nn.DataParallel(resnet18(num_classes=2)).state_dict()
        torch.save({"state_dict": state}, path)
        found = read_state_dict(path, name="mine", plain=True)
        assert found._metadata["bn1"] == {"version": 2}
        assert isinstance(found, StateDict)

    def test_everywhere_else_a_file_is_tensors_and_nothing_more(self, path):
        torch.save({"model": {"a": torch.ones(2)}}, path)
        with pytest.raises(CorruptFileError, match="'model': dict"):
            read_state_dict(path, name="mine")

    def test_another_publishers_names_are_told(self):
        from multiweight.store.load import _renamed

        state = StateDict({"conv_stem.weight": torch.ones(2), "classifier.weight": torch.ones(3)})
        ours = _renamed(state, "timm/mobilenetv2_100")
        assert ours.renamed == {"conv_stem.weight": "features.0.0.weight", "classifier.weight": "classifier.1.weight"}


def test_every_subcommand_takes_it(hub, tmp_path):
    """Those that only ask; the others take what `resolve` gives."""
    from click.testing import CliRunner

    from multiweight.cli import main

    hub.put("mylab/digits", {"model.safetensors": FILE.read_bytes()})
    torch.save({"state_dict": DIGITS.get_state_dict()}, "mine.pth")

    def run(*arguments):
        result = CliRunner().invoke(main, list(arguments))
        assert "Traceback" not in result.output
        return result

    for reference, here in (("hf://mylab/digits", "in the cache"), ("shufflenet_v2_x0_5=mine.pth", "a plain state")):
        assert here in run("show", reference).stdout
        assert reference in run("list", reference).stdout
        assert json.loads(run("list", reference, "--json").stdout)[0]["name"] == reference
        assert run("verify", reference).exit_code == 0
        assert Path(run("download", reference).stdout.strip()).is_file()
    picture = next((Path(__file__).parents[2] / "examples/digits").glob("*.png"))
    assert run("predict", "--weights", "hf://mylab/digits", str(picture)).exit_code == 0
    assert "nobody has said" in run("predict", "--weights", "shufflenet_v2_x0_5=mine.pth", str(picture)).stderr
    assert run("recipe", "show", "hf://mylab/digits").exit_code == 0
    assert run("recipe", "show", "shufflenet_v2_x0_5=mine.pth").exit_code == 1
    assert run("reproduce", "shufflenet_v2_x0_5=mine.pth").exit_code == 1
    removed = run("cache", "remove", "--yes", "hf://mylab/digits")
    assert removed.exit_code == 0, removed.output
    assert not (tmp_path / "torch/hub/checkpoints/hf/mylab/digits/model.safetensors").exists()
    assert run("cache", "remove", "--yes", "hf://mylab/digits").exit_code == 2


def test_the_documentation_runs():
    from multiweight.store.save import save_weights

    root = Path(__file__).parents[2]
    Path("run").mkdir()
    save_weights(DIGITS.get_state_dict(), "run/best.safetensors", resolve(FILE).header)
    torch.save({"model": resnet18(num_classes=2).state_dict(), "epoch": 3}, "run/checkpoint.pth")
    shutil.copy(next((root / "examples/digits").glob("*.png")), "photo.jpg")
    text = (root / "docs/references.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for code in re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        exec(code, names)
    assert names["predictor"].labels == ("cat", "dog")
    assert names["state"].dropped == {"epoch": "beside 'model': of type int"}
    for wrapping in (*OUTER, *PREFIXES):
        assert f"`{wrapping}`" in text
    for target in re.findall(r"\]\(([^)#]+)", text):
        assert (root / "docs" / target).exists(), target


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_an_object_in_a_store_is_a_reference(scheme, monkeypatch, tmp_path):
    class Bucket(MemoryFileSystem):
        protocol, cachable, store = scheme, False, {}

        @classmethod
        def _strip_protocol(cls, path):
            return "/" + path.removeprefix(f"{scheme}://").strip("/")

    monkeypatch.setitem(_registry, scheme, Bucket)
    Bucket().pipe("/group/best.safetensors", FILE.read_bytes())
    place = f"{scheme}://group/best.safetensors"
    entry = resolve(place)
    assert str(entry) == place
    assert entry.path == tmp_path / "torch/hub/checkpoints" / scheme / "group/best.safetensors"
    given = get_model("shufflenet_v2_x0_5", weights=place).state_dict()
    assert equal(given, get_model("shufflenet_v2_x0_5", weights=DIGITS).state_dict())
    assert pickle.loads(pickle.dumps(entry)) is entry
    with pytest.raises(DownloadError, match=f"{scheme}://group/bets.safetensors"):
        resolve(f"{scheme}://group/bets.safetensors")
