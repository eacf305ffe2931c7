"""Files that know what they are: the header, the entry it makes, and files that nobody should trust."""

import copy
import json
import math
import os
import pickle
from dataclasses import fields
from pathlib import Path
from typing import ClassVar

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multiweight.catalogue import (
    Header,
    ImageClassification,
    InterpolationMode,
    ObjectDetection,
    OpticalFlow,
    SemanticSegmentation,
    VideoClassification,
    entry_of_file,
    get_weight,
    header_json,
    preset_digest,
    read_header,
    resolve,
    weights_enums,
)
from multiweight.catalogue._file import parse_header, tensors_sha256
from multiweight.catalogue._references import is_file_reference
from multiweight.catalogue.resnet import ResNet18_Weights
from multiweight.catalogue.shufflenetv2 import ShuffleNet_V2_X0_5_Weights
from multiweight.errors import (
    CorruptFileError,
    HeaderError,
    MultiweightError,
    StoreError,
    UnknownModelError,
    UnknownWeightsError,
)

from .files import DIGITS, container, header, with_header

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = json.loads((DOCS / "weights-file.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
PRESETS = (ImageClassification, ObjectDetection, SemanticSegmentation, VideoClassification, OpticalFlow)

line = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=8)
number = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70).map(float)
json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | line,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(line, inner, max_size=3),
    max_leaves=6,
)
side = st.integers(1, 65_535)
colours = st.lists(number, max_size=3).map(tuple)
common = {"mean": colours, "std": colours, "interpolation": st.sampled_from(InterpolationMode)}
presets = st.one_of(
    st.builds(
        ImageClassification,
        crop_size=side,
        resize_size=side | st.tuples(side, side),
        antialias=st.none() | st.booleans(),
        **common,
    ),
    st.builds(ObjectDetection),
    st.builds(SemanticSegmentation, resize_size=st.none() | side, **common),
    st.builds(
        VideoClassification,
        crop_size=st.tuples(side, side),
        resize_size=st.lists(side, max_size=2).map(tuple),
        **common,
    ),
    st.builds(OpticalFlow),
)
outputs = st.lists(number, min_size=1, max_size=8).map(
    lambda first: {"shape": [1, len(first)], "first": first, "norm": abs(first[0]), "argmax": 0}
)
probes = st.one_of(
    st.fixed_dictionaries({"absent": line}),
    st.fixed_dictionaries({"version": st.integers(2), "inputs": json_value}),
    st.fixed_dictionaries(
        {
            "version": st.just(1),
            "inputs": st.lists(st.lists(st.integers(1, 16), min_size=1, max_size=4), min_size=1, max_size=2),
            "range": st.tuples(number, number).map(list),
            "outputs": st.lists(outputs, min_size=1, max_size=3),
        }
        | dict.fromkeys(("of", "dtype", "device", "torch"), line),
        optional={"mood": json_value},
    ),
)
known = {each.name for each in fields(Header)} | {"schema"}
headers = st.builds(
    Header,
    variant=line,
    labels=st.none() | st.lists(line, max_size=3).map(tuple),
    preset=presets,
    builder=st.none() | line,
    arguments=st.dictionaries(line, json_value, max_size=2),
    metrics=st.dictionaries(line, st.dictionaries(line, number, max_size=2), max_size=2),
    measured=st.lists(st.dictionaries(line, json_value, max_size=2), max_size=2).map(tuple),
    recipe=st.none() | st.fixed_dictionaries({"name": line, "text": st.just("a = 1\nb = 2\n"), "seed": json_value}),
    versions=st.dictionaries(line, line, max_size=2),
    parent=st.none() | st.fixed_dictionaries({"name": line, "sha256": st.none() | line}),
    license=st.none() | line,
    num_params=st.none() | st.integers(0),
    gflops=st.none() | st.floats(0, 1e9),
    min_size=st.none() | st.tuples(st.integers(), st.integers()),
    probe=st.none() | probes,
    tensors_sha256=st.none() | line,
    extra=st.dictionaries(line.filter(lambda name: name not in known), json_value, max_size=2),
)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a file in a folder, which becomes the current one: of a header, of a header's text, or of bytes."""
    monkeypatch.chdir(tmp_path)

    def make(content, name="best.safetensors"):
        text = header_json(content) if isinstance(content, Header) else content
        Path(name).write_bytes(text if isinstance(text, bytes) else with_header(text))
        return name

    return make


@given(headers)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_written_is_read_again_and_is_as_documented(said):
    text = header_json(said)
    # Empty is the same as absent.
    assert parse_header(text) == said
    assert header_json(parse_header(text)) == text
    VALIDATOR.validate(json.loads(text))


def test_the_documentation_names_every_field_and_no_other():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    names = known - {"extra"}
    assert set(SCHEMA["properties"]) == names
    rows = [
        row.split("|")[1] for row in (DOCS / "files.md").read_text(encoding="utf-8").splitlines() if row[:3] == "| `"
    ]
    assert {name.strip(" `") for row in rows for name in row.split(",")} == names
    for preset in PRESETS:
        settings_of = SCHEMA["$defs"][preset.__name__]["properties"]["settings"]
        assert set(settings_of["properties"]) == {each.name for each in fields(preset)}
    assert len(SCHEMA["properties"]["preset"]["oneOf"]) == len(PRESETS)


def test_it_is_read_from_a_file(write):
    said = header(license="MIT", extra={"later": [1, 2]})
    assert read_header(write(said)) == said
    assert read_header(Path(write(said))) == said
    assert read_header(write(None)) is None
    assert read_header(write(container({}, b""))) is None


def test_what_a_later_release_adds_is_kept(write):
    text = json.dumps(json.loads(header_json(header())) | {"probe": {"version": 2, "in": [1]}, "mood": "good"})
    name = write(text)
    again = read_header(name)
    assert again.extra == {"mood": "good"}
    assert again.probe == {"version": 2, "in": [1]}
    assert json.loads(header_json(again)) == json.loads(text)
    assert entry_of_file(name).meta["mood"] == "good"


def test_extra_fields_take_no_others_place(write):
    with pytest.raises(ValueError, match="'license' of its own"):
        header_json(header(extra={"license": "MIT"}))
    entry = entry_of_file(
        write(header(extra={"_ops": "many", "size": (1,), "categories": ["cat"], "file_size": "big"}))
    )
    assert entry.meta["categories"] == DIGITS
    assert entry.meta["size"] == (64, 64)
    assert "gflops" not in entry.meta
    assert entry.meta["file_size"] < 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": 2}, "schema 2; this release of multiweight reads schema 1"),
        ({"preset": {"name": "ImageClasification"}}, "'ImageClasification' is not known.* ImageClassification?"),
        ({"preset": {"name": "OpticalFlow", "settings": {"x": 1}}}, "setting 'x'"),
        ({"preset": {"name": "ImageClassification", "settings": {"crop_sizes": 1}}}, "crop_size"),
    ],
    ids=str,
)
def test_words_of_a_later_release_are_refused_with_what_they_are(write, change, words):
    with pytest.raises(HeaderError, match=words) as caught:
        read_header(write(json.dumps(json.loads(header_json(header())) | change)))
    assert "best.safetensors" in str(caught.value)


IMAGE = {"name": "ImageClassification"}
OUTPUT = {"shape": [1, 2], "first": [1.0, 2.0], "norm": 3.0, "argmax": 1}
PROBE = {"version": 1, "inputs": [[1, 3, 8, 8]], "range": [-2.0, 2.0], "of": "outputs", "outputs": [OUTPUT]} | {
    "dtype": "float32",
    "device": "cpu",
    "torch": "2.13.0",
}
WRONG = [
    ({"schema": None}, "schema"),
    ({"schema": True}, "schema"),
    ({"schema": "1"}, "schema"),
    ({"schema": 0}, "schema"),
    ({"variant": 5}, "variant is 5; expected text"),
    ({"variant": "a\nb"}, "variant"),
    ({"variant": None}, "variant"),
    ({"labels": "0123"}, "labels is '0123'; expected a list of texts"),
    ({"labels": ["a", 1]}, r"labels\[1\] is 1; expected text on one line"),
    ({"labels": ["a", "\x1b[2J"]}, r"labels\[1\]"),
    ({"labels": ["\ud800"]}, "no text"),
    ({"labels": {"a": 1}}, "labels"),
    ({"preset": None}, "preset is None; expected an object"),
    ({"preset": {}}, "preset.name"),
    ({"preset": {"name": []}}, "preset.name"),
    ({"preset": IMAGE}, "crop_size"),
    ({"preset": IMAGE | {"settings": []}}, "preset.settings"),
    ({"preset": IMAGE | {"settings": {"crop_size": True}}}, "crop_size is True; expected a whole number"),
    ({"preset": IMAGE | {"settings": {"crop_size": 0}}}, "from 1 to 65,535"),
    ({"preset": IMAGE | {"settings": {"crop_size": 10**9}}}, "from 1 to 65,535"),
    ({"preset": IMAGE | {"settings": {"crop_size": 1, "mean": [1, "2"]}}}, r"mean\[1\] is '2'; expected a number"),
    ({"preset": IMAGE | {"settings": {"crop_size": 1, "std": [10**400]}}}, "too large"),
    ({"preset": IMAGE | {"settings": {"crop_size": 1, "interpolation": "best"}}}, "one of 'nearest', .* 'lanczos'"),
    ({"preset": {"name": "VideoClassification", "settings": {"crop_size": [1], "resize_size": [1]}}}, "two whole num"),
    ({"builder": 1}, "builder"),
    ({"arguments": []}, "arguments"),
    ({"metrics": {"a": 1}}, "metrics.a is 1; expected an object"),
    ({"metrics": {"a": {"b": None}}}, "metrics.a.b is None; expected a number"),
    ({"metrics": {"a": {"b": True}}}, "metrics.a.b"),
    ({"metrics": {"a\x00": {}}}, "metrics"),
    ({"measured": {}}, "measured"),
    ({"measured": [1]}, r"measured\[0\]"),
    ({"recipe": "resnet50"}, "recipe is 'resnet50'; expected an object"),
    ({"recipe": {"text": None}}, "recipe.text"),
    ({"parent": {"name": 1}}, "parent.name"),
    ({"versions": {"torch": 2}}, "versions.torch"),
    ({"license": ["MIT"]}, "license"),
    ({"num_params": 1.5}, "num_params is 1.5; expected a whole number"),
    ({"num_params": -1}, "num_params"),
    ({"gflops": "1"}, "gflops"),
    ({"min_size": [1]}, "min_size .* expected two whole numbers"),
    ({"tensors_sha256": 1}, "tensors_sha256"),
    ({"probe": [1]}, "probe is .* expected an object"),
    ({"probe": {}}, "probe.version is None; expected a whole number"),
    ({"probe": {"version": True}}, "probe.version"),
    ({"probe": {"absent": 1}}, "probe.absent is 1; expected text"),
    ({"probe": {"version": 1}}, "probe.inputs is None; expected a list of lists of whole numbers"),
    *(
        ({"probe": PROBE | change}, words)
        for change, words in [
            ({"inputs": []}, "one or two shapes"),
            ({"inputs": [[1]] * 3}, "one or two shapes"),
            ({"inputs": [[]]}, "one or two shapes"),
            ({"inputs": [[1, 3, 0, 64]]}, "one or two shapes"),
            ({"inputs": [[-1, -1]]}, "one or two shapes"),
            ({"inputs": [[1, 3, 65_536, 65_536]]}, "at most 8,388,608 numbers"),
            ({"inputs": [[10**30, 10**30]]}, "at most 8,388,608 numbers"),
            ({"inputs": [[1.5]]}, r"probe.inputs\[0\]\[0\] is 1.5; expected a whole number"),
            ({"range": [0]}, "probe.range .* expected two numbers"),
            ({"of": 1}, "probe.of"),
            ({"dtype": "float32\n"}, "probe.dtype"),
            ({"device": None}, "probe.device"),
            ({"outputs": []}, "probe.outputs is .* one at least"),
            ({"outputs": [1]}, r"probe.outputs\[0\]"),
            ({"outputs": [{}]}, r"probe.outputs\[0\].shape is None"),
            ({"outputs": [OUTPUT | {"first": [1.0]}]}, r"probe.outputs\[0\] is"),
            ({"outputs": [OUTPUT | {"first": [1.0, "2"]}]}, r"probe.outputs\[0\].first\[1\] is '2'; expected a number"),
            ({"outputs": [OUTPUT | {"norm": -1.0}]}, r"probe.outputs\[0\] is"),
            ({"outputs": [OUTPUT | {"shape": [-2, -1]}]}, r"probe.outputs\[0\] is"),
            ({"outputs": [OUTPUT | {"argmax": 0.5}]}, "argmax"),
        ]
    ),
]


@pytest.mark.parametrize(("change", "words"), WRONG, ids=str)
def test_wrong_values_are_named_by_their_place(write, change, words):
    name = write(json.dumps(json.loads(header_json(header())) | change))
    for ask in (read_header, entry_of_file, resolve):
        with pytest.raises(CorruptFileError, match=words) as caught:
            ask(name)
        assert "best.safetensors" in str(caught.value)


@pytest.mark.parametrize("name", ["schema", "variant", "labels", "preset"])
def test_what_must_be_said_is_missed(write, name):
    said = json.loads(header_json(header()))
    del said[name]
    with pytest.raises(CorruptFileError, match=name):
        read_header(write(json.dumps(said)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "1" * 5000,
        "[" * 100_000,
        '{"a":' * 100_000,
        json.dumps({"schema": 1, "extra": json.loads("[" * 40 + "]" * 40)}),
        '{"schema": NaN}',
        '{"schema": 1e999}',
        " " * (16 * 2**20 + 1),
    ],
    ids=lambda text: text[:12] or "empty",
)
def test_texts_that_are_no_header_are_refused(write, text):
    with pytest.raises(CorruptFileError, match="header is damaged"):
        read_header(write(text))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x02\0\0\0\0\0\0\0",
        b"\x02\0\0\0\0\0\0\0{",
        b"PK\x03\x04" + bytes(100),
        (2**63).to_bytes(8, "little") + b"{}",
        (10**8 + 1).to_bytes(8, "little") + b"{}",
        (0).to_bytes(8, "little") + b"{}",
        container("{}", b"1"),
        container("[]"),
        container("{"),
        container("[" * 100_000),
        container("\udcff"),
        container({"__metadata__": []}, b""),
        container({"__metadata__": {"multiweight": 1}}, b""),
        container({"__metadata__": {"multiweight": {"schema": 1}}}, b""),
        container({"a": 1}),
        container({"a": {"data_offsets": [0]}}),
        container({"a": {"data_offsets": [8, 0]}}),
        container({"a": {"data_offsets": [-8, 8]}}),
        container({"a": {"data_offsets": ["0", "8"]}}),
        container({"a": {"data_offsets": [0, 10**30]}}),
    ],
    ids=lambda content: ascii(content[:40]),
)
def test_files_that_are_no_safetensors_are_refused(write, content):
    name = write(content)
    for ask in (read_header, entry_of_file, tensors_sha256):
        with pytest.raises(CorruptFileError, match="best.safetensors"):
            ask(name)


def test_a_truncated_file_is_refused_wherever_it_ends(write):
    whole = with_header(header_json(header()))
    for length in {*range(0, len(whole), 7), len(whole) - 1}:
        with pytest.raises(CorruptFileError):
            read_header(write(whole[:length]))
    with pytest.raises(CorruptFileError, match="truncated or damaged"):
        read_header(write(whole + b"\0"))


def survives(path):
    """Reads a file that may be anything; only an error of ours may come of it."""
    try:
        assert read_header(path) is None or isinstance(read_header(path), Header)
        entry = entry_of_file(path)
    except MultiweightError as error:
        assert str(error).isprintable() or "\n" in str(error)
    else:
        assert repr(entry.meta)
        assert pickle.loads(pickle.dumps(entry)) is entry


quickly = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@given(content=st.binary(max_size=200) | st.text(max_size=60).map(container) | st.text(max_size=60).map(with_header))
@quickly
def test_any_bytes(write, content):
    survives(write(content))


@given(said=st.dictionaries(st.sampled_from(sorted(known)) | line, json_value, max_size=6))
@quickly
def test_any_json_where_the_header_is(write, said):
    survives(write(json.dumps({"schema": 1, "variant": "resnet18", "labels": None} | said)))


@given(data=st.data())
@quickly
def test_any_bytes_changed_in_a_right_file(write, data):
    whole = bytearray(with_header(header_json(header(recipe={"name": "a", "text": "b"}))))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    survives(write(bytes(whole)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"variant": "a\nb"}, "variant"),
        ({"labels": (1, 2)}, "labels"),
        ({"metrics": {"a": {"acc@1": math.nan}}}, "not JSON compliant|Out of range"),
        ({"arguments": {"norm_layer": print}}, "not JSON serializable"),
        ({"preset": ImageClassification(crop_size=0)}, "crop_size"),
        ({"num_params": -1}, "num_params"),
    ],
    ids=str,
)
def test_what_could_not_be_read_again_is_not_written(change, words):
    with pytest.raises(ValueError, match=words):
        header_json(header(**change))


def test_a_digest_is_that_of_what_a_preset_does():
    digest = preset_digest(ImageClassification(crop_size=224))
    assert digest == "eba60bb47958"  # which is in files: it never changes
    assert digest == preset_digest(ImageClassification(crop_size=224, resize_size=256, interpolation="bilinear"))
    assert digest == preset_digest(parse_header(header_json(header(preset=ImageClassification(crop_size=224)))).preset)
    assert preset_digest(ImageClassification(crop_size=1, mean=(0, 1))) == preset_digest(
        ImageClassification(crop_size=1, mean=(0.0, 1.0))
    )
    of_entries = {
        preset_digest(entry.value.transforms): entry.value.transforms
        for enum in weights_enums().values()
        for entry in enum
    }
    assert len(of_entries) == len({repr(preset) for preset in of_entries.values()}) > 30
    with pytest.raises(TypeError, match="spec"):
        preset_digest(dict)


class TestEntry:
    FACTS: ClassVar = {
        "metrics": {"UCI digits": {"acc@1": 99.5}},
        "license": "MIT",
        "num_params": 7,
        "gflops": 0.5,
        "min_size": (32, 32),
        "arguments": {"sizes": [1, [2]]},
        "measured": ({"resolution": [64, 64]},),
        "recipe": {"name": "mine", "text": "a = 1\n"},
        "parent": {"name": "ShuffleNet_V2_X0_5_Weights.DIGITS_V1", "sha256": None},
        "versions": {"torch": "2.13.0"},
    }

    @pytest.fixture
    def entry(self, write):
        return entry_of_file(write(header(builder="os:abort", **self.FACTS)))

    def test_its_enum_has_it_alone(self, entry):
        enum = type(entry)
        assert list(enum) == [entry]
        assert len(enum) == 1
        assert enum.DEFAULT is enum["DEFAULT"] is enum["default"] is entry
        assert enum.variant == "shufflenet_v2_x0_5"
        assert enum.task == "classification"
        assert enum.module == "multiweight.models"
        assert enum.verify(entry) is entry
        assert enum.verify(entry.value) is entry
        assert enum.legacy is entry
        assert hash(entry) == hash(entry)
        with pytest.raises(UnknownWeightsError):
            enum["SECOND"]

    def test_its_builder_is_the_catalogues_and_never_the_files(self, entry):
        assert entry.header.builder == "os:abort"
        assert type(entry).builder == ShuffleNet_V2_X0_5_Weights.builder

    def test_it_answers_as_any_entry(self, entry, tmp_path):
        meta = entry.meta
        assert meta["categories"] == meta.categories == DIGITS
        assert meta["acc@1"] == 99.5
        assert (meta["_ops"], meta["num_params"], meta["min_size"], meta["license"]) == (0.5, 7, (32, 32), "MIT")
        assert meta["size"] == (64, 64)
        assert meta["interpolation"] is InterpolationMode.BILINEAR
        assert meta["recipe"] == "mine"
        assert meta["parent"]["name"].endswith("DIGITS_V1")
        assert entry.value.transforms == ImageClassification(crop_size=64)
        assert entry.arguments == {"sizes": (1, (2,))}
        assert entry.recipe == entry.url == str(tmp_path / "best.safetensors")
        assert entry.sha256 is None
        assert entry.path == tmp_path / "best.safetensors"

    def test_it_cannot_be_changed(self, entry):
        for change in (
            lambda: entry.meta.update(a=1),
            lambda: setattr(entry.value, "url", "elsewhere"),
            lambda: setattr(entry.header, "license", "elsewhere"),
        ):
            with pytest.raises(AttributeError):
                change()
        for mapping in (entry.arguments, entry.meta["metrics"], entry.meta["measured"][0], entry.meta["versions"]):
            with pytest.raises(TypeError):
                mapping["a"] = 1

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_it_is_pickled_by_its_path_and_copied_as_itself(self, entry, protocol, monkeypatch):
        monkeypatch.chdir("/")  # where another process may be
        for thing in (entry, entry.value):
            pickled = pickle.dumps(thing, protocol)
            assert len(pickled) < 400
            assert pickle.loads(pickled) is thing
            assert copy.copy(thing) is copy.deepcopy(thing) is thing

    def test_its_name_is_a_reference_wherever_one_is(self, entry, tmp_path, monkeypatch):
        assert str(entry) == repr(entry) == f"{entry}" == "best.safetensors"
        assert resolve(str(entry)) is entry
        (tmp_path / "below").mkdir()
        monkeypatch.chdir(tmp_path / "below")
        assert str(entry) == str(tmp_path / "best.safetensors")
        assert resolve(str(entry)) is resolve("../best.safetensors") is entry

    def test_it_is_the_same_as_long_as_the_file_is(self, entry, write):
        assert entry_of_file("best.safetensors") is entry
        other = entry_of_file(write(header(license="GPL-3.0")))
        assert other is not entry
        assert other.meta["license"] == "GPL-3.0"
        assert entry.meta["license"] == "MIT"

    def test_a_file_that_says_little_is_an_entry_too(self, write):
        entry = entry_of_file(write(header(labels=None)))
        assert entry.meta["categories"] is None
        assert entry.meta["metrics"] == {}
        assert entry.recipe is None
        assert entry.arguments == {}
        assert entry.meta["min_size"] == (1, 1)
        of_flow = entry_of_file(write(header(variant="raft_small", labels=None, preset=OpticalFlow())))
        assert "categories" not in of_flow.meta
        assert type(of_flow).module == "multiweight.models.optical_flow"


class TestReferences:
    def test_every_way_to_name_a_file(self, write, tmp_path):
        name = write(header())
        entry = entry_of_file(name)
        for reference in (
            name,
            f"./{name}",
            str(tmp_path / name),
            Path(name),
            f"file://{tmp_path / name}",
            f" {name} ",
        ):
            assert resolve(reference) is entry
            assert ShuffleNet_V2_X0_5_Weights.verify(reference) is entry
        assert ShuffleNet_V2_X0_5_Weights.verify(entry) is entry

    def test_the_home_folder(self, write, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        assert resolve(f"~/{write(header())}").meta["categories"] == DIGITS

    def test_a_file_with_another_ending_is_one_where_no_name_is(self, write):
        for name in ("best", "best.st", "a.b.c"):
            assert resolve(write(header(), name)).path.name == name
        write(header(), "resnet50")
        assert resolve("resnet50") is get_weight("ResNet50_Weights.DEFAULT")
        write(header(), "resnet50_weights.default")
        assert resolve("resnet50_weights.default") is get_weight("ResNet50_Weights.DEFAULT")
        assert type(resolve("./resnet50")).variant == "shufflenet_v2_x0_5"

    @pytest.mark.parametrize("reference", ["ResNet50_Weights.DEFAULT", "resnet50", "IMAGENET1K_V1", "mylab/labnet", ""])
    def test_names_are_no_files(self, reference):
        assert not is_file_reference(reference)

    def test_weights_of_another_variant_are_a_type_error(self, write):
        name = write(header())
        for reference in (name, entry_of_file(name)):
            with pytest.raises(TypeError, match="holds weights of shufflenet_v2_x0_5, not of resnet18"):
                ResNet18_Weights.verify(reference)

    @pytest.mark.parametrize(
        ("reference", "words"),
        [
            ("bset.safetensors", "There is no file bset.safetensors. Did you mean best.safetensors"),
            ("run/best.safetensors", "the folder run does not exist"),
            ("./nothing", "There is no file nothing"),
            ("folder/", "folder is a folder; name a weights file in it, such as folder/one.safetensors"),
            ("ftp://example.org/best.safetensors", "is a URL that nothing is downloaded from. Known: https, http, hf"),
            ("labs/net", "'labs/net' is neither an entry, .*, nor a weights file"),
            ("a\0b.safetensors", "There is no file"),
        ],
    )
    def test_what_is_not_there_is_said(self, write, reference, words):
        write(header())
        Path("folder").mkdir()
        write(header(), "folder/one.safetensors")
        with pytest.raises(UnknownWeightsError, match=words):
            resolve(reference)

    def test_what_is_no_ordinary_file_is_not_opened(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.safetensors")
        with pytest.raises(UnknownWeightsError, match="no ordinary file"):
            resolve(tmp_path / "pipe.safetensors")

    def test_a_file_that_may_not_be_read(self, write, monkeypatch):
        name = write(header())

        def refuse(self, mode):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
        for ask in (read_header, resolve):
            with pytest.raises(StoreError, match=r"best.safetensors cannot be read: Permission denied"):
                ask(name)

    def test_a_file_without_a_header_is_told_so(self, write):
        with pytest.raises(HeaderError, match="best.safetensors does not say what it is"):
            resolve(write(None))
        write(b"PK\x03\x04" + bytes(50), "old.pth")
        with pytest.raises(HeaderError, match="old.pth does not say what it is.*'resnet50=old.pth'"):
            resolve("old.pth")

    def test_a_variant_that_nobody_has_names_its_builder(self, write):
        with pytest.raises(UnknownModelError, match=r"'mylab/labnet'.*mylab.models:labnet: is that package installed"):
            resolve(write(header(variant="mylab/labnet", builder="mylab.models:labnet")))
        with pytest.raises(UnknownModelError, match="Did you mean resnet18"):
            resolve(write(header(variant="resnet81")))

    def test_neither_is_a_type_error(self):
        with pytest.raises(TypeError, match="a file, an entry or its name, not 5"):
            resolve(5)
