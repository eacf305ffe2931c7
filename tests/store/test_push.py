"""A file goes to the hub with a page about it, and is found there by its name; the hub is a stand-in."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from multiweight import push
from multiweight.catalogue import Header, ImageClassification, resolve
from multiweight.errors import (
    CorruptFileError,
    HeaderError,
    MissingExtraError,
    MultiweightWarning,
    OfflineError,
    StoreError,
    UnknownWeightsError,
)
from multiweight.models import mobilenet_v2
from multiweight.store.card import is_untouched, model_card
from multiweight.store.push import CARD
from multiweight.store.save import save_weights
from tests.hub import Hub, connect

# huggingface_hub's own, where its http library is newer than it.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

LABELS = ("tabby", "tiger | cat", "<b>dog</b>")


@pytest.fixture(scope="module")
def running_hub():
    with Hub() as hub:
        yield hub


@pytest.fixture
def hub(running_hub, monkeypatch):
    running_hub.repositories.clear()
    running_hub.requests.clear()
    running_hub.refusal = None
    connect(running_hub, monkeypatch)
    return running_hub


def header(**more):
    said = {
        "variant": "mobilenet_v2",
        "labels": LABELS,
        "preset": ImageClassification(crop_size=32),
        "arguments": {"width_mult": 0.25},
        "metrics": {"my cats": {"acc@1": 91.5, "acc@5": 100.0}},
        "recipe": {"name": "cats", "text": 'name = "cats"\nepochs = 3\n'},
        "parent": {"name": "MobileNet_V2_Weights.IMAGENET1K_V2", "sha256": "7ebf99e0" * 8},
        "license": "CC-BY-4.0",
        "num_params": 253_000,
    }
    return Header(**said | more)


@pytest.fixture
def file(tmp_path):
    """A file that knows what it is, of a small network."""
    save_weights(mobilenet_v2(width_mult=0.25, num_classes=3).state_dict(), tmp_path / "cats.safetensors", header())
    return tmp_path / "cats.safetensors"


def test_what_was_pushed_is_found_by_its_name(hub, file):
    done = push(file, "hf://mylab/cats")
    assert done == ("hf://mylab/cats", f"{hub.url}/mylab/cats/commit/{'1' * 40}", True)
    there = hub.repositories["mylab/cats"]["main"]
    assert there.keys() == {"model.safetensors", CARD}
    assert there["model.safetensors"] == file.read_bytes()
    entry = resolve(done.reference)
    assert str(entry) == "hf://mylab/cats"
    assert entry.meta["categories"] == LABELS
    expected = resolve(file).get_state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in entry.get_state_dict().items())


def test_a_branch_and_a_name_of_its_own(hub, file):
    assert (
        push(file, "hf://mylab/cats@v2/small/cats.safetensors").reference == "hf://mylab/cats@v2/small/cats.safetensors"
    )
    assert "small/cats.safetensors" in hub.repositories["mylab/cats"]["v2"]
    assert hub.repositories["mylab/cats"]["main"] == {}
    assert resolve("hf://mylab/cats@v2/small/cats.safetensors").meta["categories"] == LABELS


def test_a_page_stays_if_somebody_has_edited_it(hub, file):
    push(file, "hf://mylab/cats")
    there = hub.repositories["mylab/cats"]["main"]
    ours = there[CARD]
    assert push(file, "hf://mylab/cats", message="again").card
    there[CARD] = edited = ours.replace(b"## Use", b"## How we use it")
    assert not push(file, "hf://mylab/cats").card
    assert there[CARD] == edited
    assert push(file, "hf://mylab/cats", overwrite_card=True).card
    assert there[CARD] == ours


def test_the_page_says_what_the_header_says():
    card = model_card(header(), reference="hf://mylab/cats@v2")
    _, metadata, body = card.split("---\n", 2)
    said = yaml.safe_load(metadata)
    assert said.pop("model-index") == [
        {
            "name": "mylab/cats",
            "results": [
                {
                    "task": {"type": "image-classification"},
                    "dataset": {"name": "my cats", "type": "my-cats"},
                    "metrics": [
                        {"type": "accuracy", "name": "Acc@1", "value": 91.5},
                        {"type": "acc@5", "name": "Acc@5", "value": 100.0},
                    ],
                }
            ],
        }
    ]
    assert said == {
        "license": "cc-by-4.0",
        "library_name": "multiweight",
        "pipeline_tag": "image-classification",
        "tags": ["multiweight", "pytorch", "mobilenet_v2"],
    }
    for words in (
        'print(Predictor("hf://mylab/cats@v2")("photo.jpg"))',
        r"3: tabby, tiger \| cat, \<b\>dog\</b\>",
        "ImageClassification(crop_size=32, resize_size=256",
        "| my cats | Acc@1 | 91.5 % |",
        'name = "cats"\nepochs = 3\n```',
        r"- name: MobileNet\_V2\_Weights.IMAGENET1K\_V2",
        "- licence: CC-BY-4.0",
    ):
        assert words in body
    assert is_untouched(card)
    assert is_untouched(card.replace("\n", "\r\n"))
    assert not is_untouched(card.replace("91.5", "99.5"))


@pytest.mark.parametrize(
    ("more", "metadata", "words"),
    [
        ({"license": None}, "library_name", "- licence: not stated"),
        ({"license": "My own"}, 'license: "other"\nlicense_name: "My own"', "- licence: My own"),
        ({"labels": None}, "pipeline_tag", "They have no labels"),
        ({"recipe": {"name": "x", "text": "a = '''\n```\n'''"}}, "tags", "~~~~~~toml"),
        ({"metrics": {}}, "tags", "## Facts"),
    ],
    ids=["no licence", "own licence", "no labels", "fence", "no figures"],
)
def test_the_page_of_a_header_that_says_other_things(more, metadata, words):
    card = model_card(header(**more), reference="hf://mylab/cats")
    _, said, body = card.split("---\n", 2)
    assert metadata in said
    assert isinstance(yaml.safe_load(said), dict)
    assert words in body


def plain(file):
    save = file.with_name("plain.safetensors")
    from safetensors.torch import save_file

    save_file({"a": torch.ones(2)}, save)
    return save


def damaged(file):
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    return file


@pytest.mark.parametrize(
    ("make", "reference", "error", "words"),
    [
        (lambda file: file, "mylab/cats", StoreError, "is written hf://org/repo"),
        (lambda file: file, "hf://cats", StoreError, "is written hf://org/repo"),
        (lambda file: file, "hf://mylab/cats/model.pth", StoreError, "end in .safetensors"),
        (plain, "hf://mylab/cats", HeaderError, "does not say what it is"),
        (damaged, "hf://mylab/cats", CorruptFileError, "is damaged"),
        (lambda file: file.with_name("cast.safetensors"), "hf://mylab/cats", UnknownWeightsError, "Did you mean"),
    ],
    ids=["no scheme", "no owner", "ending", "no header", "damaged", "missing"],
)
def test_what_cannot_be_pushed_is_not(hub, file, make, reference, error, words):
    with pytest.raises(error, match=words):
        push(make(file), reference)
    assert hub.requests == []


@pytest.mark.parametrize(
    ("token", "refusal", "words"),
    [
        (None, None, "nobody is logged in"),
        ("hf_wrong", None, "hf auth login"),
        ("hf_right", 403, "may not write there"),
        ("hf_right", 404, "no such repository"),
        ("hf_right", 400, "could not be pushed to"),
    ],
)
def test_what_the_hub_refuses_is_one_error(hub, file, monkeypatch, token, refusal, words):
    connect(hub, monkeypatch, token=token)
    hub.refusal = refusal
    with pytest.raises(StoreError, match=words) as caught:
        push(file, "hf://mylab/cats")
    assert "hf://mylab/cats" in str(caught.value)
    assert "hf_wrong" not in str(caught.value)


def test_no_network_no_extra_and_offline(file, monkeypatch):
    with Hub() as gone:
        connect(gone, monkeypatch)
    with pytest.raises(StoreError, match="Check the address and the network"):
        push(file, "hf://mylab/cats")
    monkeypatch.setenv("MULTIWEIGHT_OFFLINE", "1")
    with pytest.raises(OfflineError, match="MULTIWEIGHT_OFFLINE"):
        push(file, "hf://mylab/cats")
    monkeypatch.delenv("MULTIWEIGHT_OFFLINE")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r"pip install \"multiweight\[hub\]\""):
        push(file, "hf://mylab/cats")


def test_a_file_without_a_licence_is_warned_of(hub, tmp_path):
    state = mobilenet_v2(width_mult=0.25, num_classes=3).state_dict()
    save_weights(state, tmp_path / "cats.safetensors", header(license=None))
    with pytest.warns(MultiweightWarning, match="states no licence"):
        push(tmp_path / "cats.safetensors", "hf://mylab/cats")
    assert "license" not in yaml.safe_load(hub.repositories["mylab/cats"]["main"][CARD].decode().split("---\n")[1])


def test_the_command_line_imports_no_torch(hub, file):
    def run(*arguments):
        code = (
            "import sys; sys.argv[0] = 'multiweight'; from multiweight.cli import main\n"
            "try: main()\nfinally: print([name for name in ('torch', 'numpy', 'PIL') if name in sys.modules])"
        )
        command = [sys.executable, "-c", code, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2])

    ran = run("push", str(file), "hf://mylab/cats")
    assert (ran.returncode, ran.stdout.splitlines()[0]) == (0, "hf://mylab/cats"), ran.stderr
    ran = run("show", "hf://mylab/cats", "--json")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith("[]\n")
    assert json.loads(ran.stdout.removesuffix("[]\n"))["categories"] == [*LABELS]
    hub.repositories["mylab/cats"]["main"][CARD] = b"mine"
    assert "--overwrite-card" in run("push", str(file), "hf://mylab/cats").stderr
    assert run("push", str(file), "elsewhere").returncode == 1
