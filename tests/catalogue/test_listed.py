"""JSON catalogues: what `list --json` prints comes back equal, and what nobody vouches for is checked or refused."""

import copy
import json
import math
import os
import pickle
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from referencing import Registry, Resource

from multiweight import get_model_weights, get_weight
from multiweight.catalogue import (
    ImageClassification,
    Weights,
    WeightsEnum,
    _registry,
    add_catalogue,
    as_json,
    entry_of_file,
    header_json,
    weights_enums,
)
from multiweight.catalogue._listed import _META, _RECORD, read_record
from multiweight.catalogue._registry import catalogues_added
from multiweight.errors import CatalogueError
from multiweight.models import ResNet18_Weights, resnet18

from .files import header, with_header
from .plugins import HEAD, enum

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA, OF_FILES = (
    json.loads((DOCS / f"{name}.schema.json").read_text(encoding="utf-8")) for name in ("catalogue", "weights-file")
)
VALIDATOR = jsonschema.Draft202012Validator(
    SCHEMA, registry=Registry().with_resource("weights-file.schema.json", Resource.from_contents(OF_FILES))
)
ENTRIES = [entry for each in weights_enums().values() for entry in each]
SAID = {
    "name": "Team_ResNet18_Weights.FLOWERS_V1",
    "variant": "resnet18",
    "url": "flowers.safetensors",
    "transforms": {"name": "ImageClassification", "settings": {"crop_size": 64}},
    "categories": ["rose", "daisy"],
}


def through_json(value):
    return json.loads(json.dumps(value, allow_nan=False))


def same(one, other):
    """Equality in which a figure that is NaN equals itself."""
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    if hasattr(one, "items"):
        return dict(one).keys() == dict(other).keys() and all(same(value, other[key]) for key, value in one.items())
    return one == other


@pytest.fixture(autouse=True)
def nothing_added():
    yield
    del _registry._added[:]
    _registry._forget()


@pytest.fixture
def write(tmp_path):
    """Writes a catalogue: of text, of bytes, or of what becomes JSON."""

    def make(content, name="team.json"):
        path = tmp_path / name
        text = content if isinstance(content, str | bytes) else json.dumps(content)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make


class Odd_Weights(WeightsEnum, variant="resnet18"):
    """What an entry may have and none of ours does."""

    ODD_V1 = Weights(
        "s3://bucket/a.safetensors",
        ImageClassification(crop_size=8, resize_size=(9, 10)),
        {
            "categories": ("ä", "b"),
            "size": (1, 2),
            "interpolation": "box",
            "metrics": {"A": {"acc@1": math.nan}},
            "nested": {"a": [1, {"b": None}]},
        },
        sha256="0" * 64,
        recipe="package://lab/a.toml",
        arguments={"norm": {"eps": 0.1}, "widths": (1, 2)},
        architecture="timm/resnet18",
    )


@pytest.mark.parametrize("entry", [*ENTRIES, *Odd_Weights], ids=str)
def test_every_entry_comes_back_equal(entry, tmp_path):
    said = through_json(as_json(entry))
    weights = read_record(said, tmp_path, _registry._enums()).weights
    for field in ("url", "sha256", "transforms", "recipe", "arguments", "architecture"):
        assert getattr(weights, field) == getattr(entry.value, field), field
    assert [*weights.meta] == [*entry.meta] or {*weights.meta} == {*entry.meta}
    for key in entry.meta:
        assert same(weights.meta[key], entry.meta[key]), key
    assert weights.meta.label_list == entry.meta.label_list
    if entry.meta.label_list:
        assert weights.meta["categories"] is entry.meta["categories"]


def test_what_is_printed_is_as_documented():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    VALIDATOR.validate(through_json([as_json(entry) for entry in [*ENTRIES, *Odd_Weights]]))
    VALIDATOR.validate(SAID)
    assert set(SCHEMA["$defs"]["entry"]["properties"]) == {*_RECORD, *_META}
    page = (DOCS / "catalogues.md").read_text(encoding="utf-8")
    rows = [row.split("|")[1] for row in page.splitlines() if row.startswith("| `")]
    assert {*_RECORD, *_META} <= {name.strip(" `") for row in rows for name in row.split(",")}


def test_our_own_entries_in_a_list_are_the_same_and_no_clash(write):
    entries = add_catalogue(write([as_json(entry) for entry in ENTRIES]))
    assert all(one is other for one, other in zip(entries, ENTRIES, strict=True))
    assert len(weights_enums()) == len({type(entry) for entry in ENTRIES})


def test_entries_are_found_as_all_others(write, monkeypatch):
    path = write([{**SAID, "name": "Team_ResNet18_Weights.TREES_V1"}, {**SAID, "default": True}])
    _, entry = add_catalogue(path)
    assert entry is get_weight("team_resnet18_weights.default") is get_weight("Team_ResNet18_Weights.flowers_v1")
    assert entry is type(entry).DEFAULT
    assert get_model_weights("resnet18") is ResNet18_Weights
    assert type(entry).builder == "multiweight.models:resnet18"
    assert entry.url == str(path.parent / "flowers.safetensors")
    assert entry.meta.categories == ("rose", "daisy")
    assert pickle.loads(pickle.dumps(entry)) is copy.deepcopy(entry) is entry
    assert len(pickle.dumps(entry)) < 300
    monkeypatch.setattr(type(entry), "get_state_dict", lambda self, *, progress: resnet18(num_classes=2).state_dict())
    for weights in (entry, "Team_ResNet18_Weights.FLOWERS_V1"):
        assert resnet18(weights=weights).fc.out_features == 2
    (again,) = add_catalogue(write([as_json(entry)], "again.json"))
    assert again is entry


def test_what_comes_back_is_in_the_files_order(write):
    ours = through_json(as_json(ResNet18_Weights.IMAGENET1K_V1))
    entries = add_catalogue(write([SAID, ours, {**SAID, "name": "B_Weights.B_V1", "variant": "ResNet18"}]))
    assert list(map(str, entries)) == [SAID["name"], ours["name"], "B_Weights.B_V1"]
    assert {type(entry).variant for entry in entries} == {"resnet18"}


def test_another_process_unpickles_an_entry(write):
    (entry,) = add_catalogue(write([SAID]))
    code = f"import pickle; print(pickle.loads({pickle.dumps(entry)!r}).url)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == entry.url


@pytest.mark.parametrize(
    ("url", "located"),
    [
        ("a/b.pth", "{folder}/a/b.pth"),
        ("../b.pth", "{above}/b.pth"),
        ("./b.pth", "{folder}/b.pth"),
        ("/srv/b.pth", "/srv/b.pth"),
        ("https://example.org/b.pth", "https://example.org/b.pth"),
        ("hf://org/repo/b.safetensors", "hf://org/repo/b.safetensors"),
        ("package://lab/b.safetensors", "package://lab/b.safetensors"),
    ],
)
def test_paths_are_relative_to_the_file(write, tmp_path, url, located):
    (entry,) = add_catalogue(write({**SAID, "url": url}))
    assert entry.url == located.format(folder=tmp_path, above=tmp_path.parent)
    assert as_json(entry)["url"] == entry.url


def test_a_catalogue_of_a_packages_variant(write, install):
    install(lab=HEAD + enum("LabNet_Weights", ", variant='lab/net', builder='lab.models:net'"))
    (entry,) = add_catalogue(write({**SAID, "variant": "lab/net"}))
    assert type(entry).builder == "lab.models:net"
    assert get_model_weights("lab/net").__name__ == "LabNet_Weights"


def test_a_quantized_variant_of_which_nothing_is_published(write):
    (entry,) = add_catalogue(write({**SAID, "variant": "quantized_vgg11", "arguments": {"quantize": True}}))
    assert type(entry).builder == "multiweight.models.quantization:vgg11"


def without(key):
    return {name: value for name, value in SAID.items() if name != key}


def preset(**about):
    return {**SAID, "transforms": {"name": "ImageClassification", "settings": {"crop_size": 64}, **about}}


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return {**SAID, "a": value}


REFUSED = {
    "no file": (None, "No such file"),
    "no JSON": ("{", "it is not JSON"),
    "no UTF-8": (b'"\xff"', "it is not JSON"),
    "a number": ("5", "no list of entries"),
    "a list of numbers": ("[5]", "entry 1: it is 5; expected an object"),
    "NaN": ('[{"name": NaN}]', "NaN is not JSON"),
    "endless": ('[{"name": 1e999}]', "a number is too large"),
    "a lone surrogate": ('[{"name": "\\ud800"}]', "is no text"),
    "a key twice": ('[{"name": "A.B", "name": "A.C"}]', "'name' is there twice"),
    "nested": (nested(40), "nested more than"),
    "nested beyond all": ("[" * 100_000, "it is not JSON"),
    **{f"no {key}": (without(key), f"it does not say '{key}'") for key in ("variant", "url", "transforms")},
    "no name": (without("name"), "entry 1: name is None; expected text on one line"),
    "a name of one word": ({**SAID, "name": "FLOWERS"}, "such as MyLab_ResNet50_Weights.FLOWERS_V1"),
    "a name in small letters": ({**SAID, "name": "Team_Weights.flowers"}, "in capitals"),
    "a name that is a path": ({**SAID, "name": "run/best.safetensors"}, "is not that of an enum"),
    "the name DEFAULT": ({**SAID, "name": "Team_Weights.DEFAULT"}, '"default": true'),
    "a name twice": ([SAID, SAID], "Team_ResNet18_Weights.FLOWERS_V1: there is another of that name"),
    "two spellings": (
        [SAID, {**SAID, "name": "Team_Resnet18_Weights.TREES_V1"}],
        "Team_ResNet18_Weights and Team_Resnet18_Weights are one name in two spellings",
    ),
    "two variants in an enum": (
        [SAID, {**SAID, "name": "Team_ResNet18_Weights.B_V1", "variant": "resnet34"}],
        "are of resnet18 and resnet34",
    ),
    "two defaults": (
        [{**SAID, "default": True}, {**SAID, "default": True, "name": "Team_ResNet18_Weights.B_V1"}],
        "two entries of Team_ResNet18_Weights",
    ),
    "our enum": (
        {**SAID, "name": "ResNet18_Weights.FLOWERS_V1"},
        "the enum ResNet18_Weights is that of multiweight (multiweight.catalogue.resnet)",
    ),
    "our variant's name": (
        {**SAID, "name": "ResNet18.FLOWERS_V1"},
        "ResNet18: the name is taken by ResNet18_Weights of multiweight (multiweight.catalogue.resnet)",
    ),
    "a quantized variant of none": ({**SAID, "variant": "quantized_fcos_resnet50_fpn"}, "there is no model"),
    "our enum, spelled otherwise": ({**SAID, "name": "resnet_18_weights.FLOWERS_V1"}, "that of multiweight"),
    "our entry with other bytes": (
        {**as_json(ResNet18_Weights.IMAGENET1K_V1), "sha256": "0" * 64},
        "multiweight (multiweight.catalogue.resnet) has an entry of that name",
    ),
    "our entry from elsewhere": (
        {**as_json(ResNet18_Weights.IMAGENET1K_V1), "url": "https://example.org/a.pth"},
        "Give this one another name, such as MyLab_ResNet18_Weights.IMAGENET1K_V1",
    ),
    "a variant there is not": ({**SAID, "variant": "resnet19"}, "Did you mean resnet1"),
    "a variant of a package that is not here": (
        {**SAID, "variant": "lab/net", "builder": "lab.models:net"},
        "Its builder was lab.models:net: is that package installed here?",
    ),
    "another task": ({**SAID, "variant": "fcos_resnet50_fpn"}, "of 'detection', and the preset ImageClassification"),
    "another task said": ({**SAID, "task": "video"}, "task is of 'video'"),
    "an unknown preset": (preset(name="Resize"), "the preset 'Resize' is not known"),
    "an unknown setting": (preset(settings={"crop_size": 1, "crop": 2}), "a setting 'crop'"),
    "a size of none": (preset(settings={"crop_size": 0}), "expected pixels"),
    "a text for a size": (preset(settings={"crop_size": "64"}), "expected a whole number"),
    "a short hash": ({**SAID, "sha256": "abcd"}, "expected 64 hexadecimal digits"),
    "an empty URL": ({**SAID, "url": " "}, "url is empty"),
    "a URL on two lines": ({**SAID, "url": "a\nb"}, "expected text on one line"),
    "a label list there is not": ({**SAID, "categories": "imagenet2k"}, "Did you mean imagenet1k?"),
    "a label list elsewhere": ({**SAID, "categories": "../../../../etc/passwd"}, "there is no list of labels"),
    "labels that are none": ({**SAID, "categories": [1, 2]}, "categories[0] is 1; expected text on one line"),
    "another number of labels": ({**SAID, "labels": 3}, "labels is 3, and categories has 2"),
    "figures in text": ({**SAID, "metrics": {"A": {"acc@1": "99"}}}, "expected a number"),
    "less than nothing": ({**SAID, "num_params": -1}, "expected no less than 0"),
    "a licence that is none": ({**SAID, "license": ["MIT"]}, "license is ['MIT']; expected text on one line"),
    "an escape to the terminal": ({**SAID, "license": "\x1b[2J"}, "expected text on one line"),
    "arguments that are none": ({**SAID, "arguments": [1]}, "arguments is [1]; expected an object"),
    "made of an entry there is not": ({**SAID, "unquantized": "A.B"}, "which is no entry here"),
}


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_and_nothing_of_it_is_there(write, content, words):
    before = dict(weights_enums())
    good = {**SAID, "name": "Good_Weights.A_V1"}
    path = write([good, content] if isinstance(content, dict) and "entry 1" not in words else content or "")
    if content is None:
        path.unlink()
    with pytest.raises(CatalogueError) as caught:
        add_catalogue(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 700
    assert dict(weights_enums()) == before


def test_a_header_names_what_is_a_file(tmp_path, write):
    """What `list --json FILE` prints needs a name, and is then an entry."""
    file = tmp_path / "best.safetensors"
    file.write_bytes(with_header(header_json(header(license="MIT"))))
    said = through_json(as_json(entry_of_file(file)))
    VALIDATOR.validate({**said, "name": "A.B"})
    (entry,) = add_catalogue(write({**said, "name": "Team_Digits_Weights.BEST_V1"}))
    assert entry.url == str(file)
    assert entry.meta["categories"] == entry_of_file(file).meta["categories"]


value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*_RECORD, *_META, "other"]), value, max_size=3))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_said_there_is_an_entry_or_an_error_of_ours(write, change):
    path = write(json.dumps({**SAID, **change}))
    with suppress(CatalogueError), catalogues_added([str(path)]):
        entry = get_weight(json.loads(path.read_text())["name"])
        VALIDATOR.validate(through_json(as_json(entry)))


def test_the_variable_and_the_option_name_catalogues(write, run, monkeypatch):
    path = write([SAID])
    for arguments in (
        ["--catalogue", str(path), "list", "flowers"],
        ["list", "flowers", "--catalogue", str(path)],
        ["list", "--catalogue", str(path), "flowers", "--json"],
    ):
        assert "Team_ResNet18_Weights.FLOWERS_V1" in run(*arguments).stdout
    assert "Team_ResNet18_Weights.FLOWERS_V1" in run("show", "resnet18", "--catalogue", str(path)).stdout
    assert "Team_ResNet18_Weights" not in weights_enums()
    damaged = run("list", "--catalogue", str(write("{", "damaged.json")))
    assert damaged.exit_code == 1
    assert "damaged.json cannot be used" in damaged.stderr


def test_the_lines_that_show_prints_run(write, run):
    path = write([SAID])
    lines = run("show", "Team_ResNet18_Weights.FLOWERS_V1", "--catalogue", str(path)).stdout.splitlines()[-3:]
    names = {}
    exec("\n".join(lines[:2]), names)
    assert str(names["entry"]) == "Team_ResNet18_Weights.FLOWERS_V1"
    assert lines[2] == "model, preset = resnet18(weights=entry).eval(), entry.transforms()"


def test_the_variable_is_read_without_torch(write):
    paths = [write([SAID]), write([{**SAID, "name": "Other_Weights.A_V1"}], "other.json")]
    code = (
        "import sys\nfrom multiweight.catalogue import resolve\n"
        "print(resolve('Other_Weights'), resolve('team_resnet18_weights.flowers_v1'), 'torch' in sys.modules)"
    )
    environment = {**os.environ, "MULTIWEIGHT_CATALOGUE": os.pathsep.join(map(str, paths))}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=environment)
    assert ran.stdout.split() == ["Other_Weights.A_V1", "Team_ResNet18_Weights.FLOWERS_V1", "False"], ran.stderr
