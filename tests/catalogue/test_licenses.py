"""The policy on licences: what it bars is shown as barred and never loaded, and the error says what to use instead."""

import json

import pytest

from multiweight import store
from multiweight.catalogue import entry_of_file, get_weight, header_json, weights_enums
from multiweight.catalogue._licenses import _words, check_license, is_allowed, is_permissive, license_of
from multiweight.errors import LicenseError, MultiweightWarning
from multiweight.models import ResNet18_Weights, ResNet50_Weights, shufflenet_v2_x0_5

from .files import header, with_header

ENTRIES = [entry for enum in weights_enums().values() for entry in enum]
DIGITS = get_weight("ShuffleNet_V2_X0_5_Weights.DIGITS_V2")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("MULTIWEIGHT_OFFLINE", "1")
    _words.cache_clear()


@pytest.fixture
def policy(monkeypatch):
    return lambda text: monkeypatch.setenv("MULTIWEIGHT_LICENSES", text)


@pytest.mark.parametrize(
    ("license", "permissive"),
    [
        *(
            (name, True)
            for name in ("MIT", "apache-2.0", "Apache-2.0", "BSD-3-Clause", "bsd-2-clause", "ISC", "CC0-1.0")
        ),
        *((name, True) for name in ("CC-BY-4.0", "Unlicense", "zlib", "MIT OR Apache-2.0", "mit and cc-by-4.0")),
        ("GPL-3.0-only OR MIT", True),
        *((name, False) for name in (None, "", "cc-by-nc-4.0", "CC-BY-SA-4.0", "GPL-3.0", "AGPL-3.0-only", "MIT AND")),
        *((name, False) for name in ("MIT AND GPL-3.0", "MIT with additions", "MIT Apache-2.0 BSD", "see README")),
        *((name, False) for name in ("MIT OR GPL-3.0 AND Apache-2.0", "https://example.org/MIT", "dinov3-license")),
    ],
)
def test_what_is_permissive(license, permissive):
    assert is_permissive(license) is permissive


def test_of_the_published_entries():
    by_license = {license_of(entry): is_permissive(license_of(entry)) for entry in ENTRIES}
    assert {name for name, permissive in by_license.items() if permissive} == {
        *("apache-2.0", "bsd-3-clause", "BSD-3-Clause", "mit")
    }
    assert len(by_license) > 6


def test_every_best_entry_is_permissive(policy):
    policy("permissive")
    best = [enum["BEST"] for enum in weights_enums().values() if "BEST" in enum.__members__]
    assert len(best) > 20
    for entry in best:
        check_license(entry)


@pytest.mark.parametrize("text", [None, "", " ", ",", " , "])
def test_without_a_policy_everything_is_used(policy, text):
    if text is not None:
        policy(text)
    for license in ("MIT", "cc-by-nc-4.0", None, "anything"):
        assert is_allowed(license)


@pytest.mark.parametrize(
    ("text", "allowed", "barred"),
    [
        ("permissive", ["MIT"], ["cc-by-nc-4.0", None]),
        (" Permissive , UNSTATED", ["MIT", None], ["cc-by-nc-4.0"]),
        ("permissive,cc-by-nc-4.0", ["mit", "CC-BY-NC-4.0"], ["cc-by-nc-sa-4.0", None]),
        ("bsd-*", ["BSD-3-Clause"], ["MIT", None]),
        ("*swag*", ["https://github.com/facebookresearch/SWAG/blob/main/LICENSE"], ["MIT"]),
        ("*", ["MIT", "cc-by-nc-4.0", None], []),
        ("[!c]*", ["MIT", None], ["cc-by-nc-4.0"]),
    ],
)
def test_words(policy, text, allowed, barred):
    policy(text)
    assert all(map(is_allowed, allowed))
    assert not any(map(is_allowed, barred))


def test_a_word_that_nothing_here_has_is_warned_of_once_and_lets_nothing_through(policy):
    policy("permisive")
    with pytest.warns(
        MultiweightWarning, match=r"'permisive', which is the licence of no entry here. Did you mean perm"
    ):
        assert not is_allowed("MIT")
    assert not is_allowed("MIT")


def test_nothing_barred_is_loaded_and_the_best_that_is_allowed_is_named(policy):
    policy("permissive")
    text = (
        r"ResNet50_Weights.IMAGENET1K_V2 states no licence, which MULTIWEIGHT_LICENSES=permissive bars. "
        r"The best entry of resnet50 that it allows is ResNet50_Weights.TIMM_A1_IN1K \(apache-2.0\)."
    )
    with pytest.raises(LicenseError, match=text):
        ResNet50_Weights.DEFAULT.get_state_dict()
    with pytest.raises(LicenseError, match=text):
        store.ensure(ResNet50_Weights.DEFAULT.value, name="this")
    with pytest.raises(LicenseError, match=r"SWSL_IG1B_FT_IN1K has the licence cc-by-nc-4.0, which"):
        ResNet50_Weights.TIMM_FB_SWSL_IG1B_FT_IN1K.get_state_dict()
    policy("*seer*")
    with pytest.raises(LicenseError, match=r"No entry of resnet18 has a licence that it allows."):
        ResNet18_Weights.DEFAULT.get_state_dict()
    shufflenet_v2_x0_5(weights=None)
    policy("bsd-3-clause")
    shufflenet_v2_x0_5(weights=DIGITS)


def test_files_have_a_licence_too(policy, tmp_path):
    policy("permissive")
    for license, words in (
        (None, "states no licence"),
        ("CC-BY-NC-4.0", "has the licence CC-BY-NC-4.0"),
        ("MIT", None),
    ):
        file = tmp_path / f"{license}.safetensors"
        file.write_bytes(with_header(header_json(header(license=license))))
        entry = entry_of_file(file)
        if words is None:
            assert set(entry.get_state_dict()) == {"a"}
        else:
            with pytest.raises(
                LicenseError, match=rf"{license}.safetensors {words}.*ShuffleNet_V2_X0_5_Weights.DIGITS"
            ):
                entry.get_state_dict()


def test_the_command_line_says_barred(policy, run):
    policy("permissive")
    listed = {entry["name"]: entry for entry in json.loads(run("list", "--json").stdout)}
    for entry in ENTRIES:
        assert listed[str(entry)]["barred"] is not is_permissive(license_of(entry))
    lines = [line for line in run("list").stdout.splitlines() if "_Weights." in line or "QuantizedWeights." in line]
    barred = {line[2:].split()[0] for line in lines if line.endswith(" (barred)")}
    assert barred == {name for name, said in listed.items() if said["barred"]}
    assert "unstated (barred)" in run("show", "resnet50").stdout
    assert "barred" not in run("show", "ResNet50_Weights.BEST").stdout
    failed = run("download", "resnet50")
    assert failed.exit_code == 1
    assert "MULTIWEIGHT_LICENSES=permissive bars" in failed.stderr
    assert "Traceback" not in failed.output
