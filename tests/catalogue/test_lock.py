"""Which lock holds, and what it pins `DEFAULT` to."""

import json
import pickle
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multiweight import get_weight
from multiweight.catalogue import WeightsEnum, resolve
from multiweight.catalogue._listing import is_default
from multiweight.catalogue._lock import current_lock, find_lock, lock_ignored, locked, parse_lock
from multiweight.errors import LockError
from multiweight.models import ResNet50_Weights, ShuffleNet_V2_X0_5_Weights

NAME = "ResNet50_Weights.IMAGENET1K_V1"
FACTS = {
    "variant": "resnet50",
    "url": "https://download.pytorch.org/models/resnet50-0676ba61.pth",
    "mirrors": [],
    "sha256": "0676ba61" + "0" * 56,
    "size": 5,
    "license": None,
}
SAID = {"schema": 1, "strict": False, "defaults": {"ResNet50_Weights": NAME}, "entries": {NAME: FACTS}}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project's folder, which is the working directory, with a folder in it."""
    monkeypatch.delenv("MULTIWEIGHT_LOCK", raising=False)
    folder = tmp_path / "home" / "project"
    (folder / "deep" / "deeper").mkdir(parents=True)
    (folder / "pyproject.toml").touch()
    monkeypatch.chdir(folder)
    return folder


def write(folder, said=SAID):
    path = folder / "weights.lock"
    path.write_text(said if isinstance(said, str) else json.dumps(said))
    return path


class TestWhichLock:
    def test_none(self, project):
        assert find_lock() is None
        assert current_lock() is None

    @pytest.mark.parametrize("place", [".", "deep", "deep/deeper"])
    def test_the_nearest_up_to_the_projects_root(self, project, monkeypatch, place):
        monkeypatch.chdir(project / "deep" / "deeper")
        write(project.parent)
        assert find_lock() is None
        root = write(project)
        assert find_lock() == root
        assert find_lock() == root
        assert write(project / place) == find_lock()

    @pytest.mark.parametrize("marker", [".git", "pyproject.toml"])
    def test_nothing_above_the_root_counts(self, project, monkeypatch, marker):
        (project / "deep" / marker).touch()
        write(project)
        monkeypatch.chdir(project / "deep" / "deeper")
        assert find_lock() is None

    def test_outside_a_project_only_the_working_directory_counts(self, project, monkeypatch):
        (project / "pyproject.toml").unlink()
        path = write(project)
        assert find_lock() == path
        monkeypatch.chdir(project / "deep")
        assert find_lock() is None

    def test_the_variable_says_which(self, project, monkeypatch):
        write(project)
        other = write(project.parent)
        monkeypatch.setenv("MULTIWEIGHT_LOCK", str(other))
        assert find_lock() == other
        monkeypatch.setenv("MULTIWEIGHT_LOCK", "../weights.lock")
        assert current_lock().entries[NAME].size == 5
        for off in ("0", "off", "No"):
            monkeypatch.setenv("MULTIWEIGHT_LOCK", off)
            assert find_lock() is None
        monkeypatch.setenv("MULTIWEIGHT_LOCK", "none/weights.lock")
        with pytest.raises(LockError, match="cannot be read: No such file.*MULTIWEIGHT_LOCK names it"):
            current_lock()

    def test_a_change_is_seen(self, project):
        path = write(project)
        assert current_lock().strict is False
        write(project, {**SAID, "strict": True})
        assert current_lock().strict is True
        path.unlink()
        assert current_lock() is None


DEFAULTS = {
    "attribute": lambda: ResNet50_Weights.DEFAULT,
    "any spelling": lambda: ResNet50_Weights.Default,
    "item": lambda: ResNet50_Weights["DEFAULT"],
    "item in any spelling": lambda: ResNet50_Weights["default"],
    "verify": lambda: ResNet50_Weights.verify("default"),
    "verify, full name": lambda: ResNet50_Weights.verify("ResNet50_Weights.DEFAULT"),
    "get_weight": lambda: get_weight("resnet50_weights.default"),
    "variant": lambda: resolve("resnet50"),
    "enum": lambda: resolve("ResNet50_Weights"),
}


class TestPinned:
    @pytest.mark.parametrize("default", DEFAULTS.values(), ids=DEFAULTS)
    def test_every_way_to_say_default_means_the_pinned_entry(self, project, default):
        assert default() is ResNet50_Weights.IMAGENET1K_V2
        write(project)
        assert default() is ResNet50_Weights.IMAGENET1K_V1
        with lock_ignored():
            assert default() is ResNet50_Weights.IMAGENET1K_V2
        assert default() is ResNet50_Weights.IMAGENET1K_V1

    def test_nothing_else_changes(self, project):
        before = [*ResNet50_Weights], dict(ResNet50_Weights.__members__), ResNet50_Weights.legacy
        write(project)
        assert ([*ResNet50_Weights], dict(ResNet50_Weights.__members__), ResNet50_Weights.legacy) == before
        assert ShuffleNet_V2_X0_5_Weights.DEFAULT is ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1
        assert pickle.loads(pickle.dumps(ResNet50_Weights.DEFAULT)) is ResNet50_Weights.IMAGENET1K_V1
        assert ResNet50_Weights.ImageNet1K is ResNet50_Weights.IMAGENET1K_V2
        assert is_default(ResNet50_Weights.IMAGENET1K_V1)
        assert not is_default(ResNet50_Weights.IMAGENET1K_V2)

    def test_an_entry_that_there_is_not_is_said(self, project):
        gone = "ResNet50_Weights.IMAGENET1K_V0"
        write(project, {**SAID, "defaults": {"ResNet50_Weights": gone}, "entries": {gone: FACTS}})
        with pytest.raises(LockError, match=r"pins ResNet50_Weights.DEFAULT to .*V0, which there is not here. Did you"):
            resolve("resnet50")
        assert get_weight("ResNet50_Weights.IMAGENET1K_V1") is ResNet50_Weights.IMAGENET1K_V1

    def test_a_strict_lock_has_no_other_entries(self, project):
        write(project, {**SAID, "strict": True})
        assert locked(ResNet50_Weights.IMAGENET1K_V1.value, "ResNet50_Weights.IMAGENET1K_V1").size == 5
        with pytest.raises(
            LockError, match=r"ResNet50_Weights.IMAGENET1K_V2 is not in the lock .*weights.lock, which is"
        ):
            locked(ResNet50_Weights.IMAGENET1K_V2.value, "ResNet50_Weights.IMAGENET1K_V2")

    def test_an_entry_that_two_enums_list_is_locked_under_either_name(self, project):
        class Picks_Weights(WeightsEnum):
            BEST_V1 = ResNet50_Weights.IMAGENET1K_V2.value

        shared = Picks_Weights.BEST_V1.value
        for name in ("Picks_Weights.BEST_V1", "ResNet50_Weights.IMAGENET1K_V2"):
            write(project, {**SAID, "strict": True, "defaults": {}, "entries": {name: FACTS}})
            assert locked(shared, "Picks_Weights.BEST_V1").size == 5

    def test_the_command_line_shows_what_is_pinned(self, project, run):
        path = write(project)
        page = run("show", "resnet50").stdout
        assert page.startswith("ResNet50_Weights.IMAGENET1K_V1  (DEFAULT)")
        assert f"{FACTS['sha256']}, pinned by {path}" in page
        assert "* ResNet50_Weights.IMAGENET1K_V1" in run("list", "resnet50").stdout


def changed(**facts):
    return {**SAID, "entries": {NAME: {**FACTS, **facts}}}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("", "it is not JSON"),
        ("<<<<<<< ours", "it is not JSON"),
        ("[]", "no object"),
        ({**SAID, "schema": 2}, "is of schema 2; this release of multiweight reads schema 1"),
        ({**SAID, "schema": True}, "schema is True; expected a whole number"),
        ({**SAID, "entries": []}, "entries is []; expected an object"),
        (changed(sha256="0676ba61"), "expected 64 hexadecimal digits"),
        (changed(sha256="A" * 64), "in lower case"),
        (changed(sha256=None), "expected text on one line"),
        (changed(size=-1), "expected no less than 0"),
        (changed(size=1.5), "expected a whole number"),
        (changed(mirrors="a"), "expected a list of texts"),
        ({**SAID, "defaults": {"ResNet50_Weights": "ResNet50_Weights.IMAGENET1K_V2"}}, "expected a locked entry"),
        ({**SAID, "defaults": {"ResNet18_Weights": NAME}}, "expected a locked entry of ResNet18_Weights"),
        ({**SAID, "strict": 1}, "strict is 1; expected true or false"),
        (json.dumps(SAID)[:-1] + ', "schema": 1}', "'schema' is there twice"),
    ],
    ids=str,
)
def test_a_damaged_lock_is_refused_and_not_skipped(project, said, words):
    path = write(project, said)
    for ask in (
        lambda: ResNet50_Weights.DEFAULT,
        lambda: locked(ResNet50_Weights.IMAGENET1K_V1.value, "ResNet50_Weights.IMAGENET1K_V1"),
    ):
        with pytest.raises(LockError) as caught:
            ask()
        assert words in str(caught.value)
        assert str(path) in str(caught.value)


value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*SAID]), value, max_size=2), st.dictionaries(st.sampled_from([*FACTS]), value))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_lock_says_it_is_read_or_refused(said, facts):
    text = json.dumps({**SAID, "entries": {NAME: {**FACTS, **facts}}, **said}).encode()
    with suppress(LockError):
        lock = parse_lock(text, Path("weights.lock"))
        assert set(lock.defaults.values()) <= set(lock.entries)
