"""`lock`, `pack` and `unpack` on the command line."""

import hashlib
import json
import os

import pytest

from multiweight.catalogue import get_weight
from multiweight.catalogue._lock import read_lock
from multiweight.models import ShuffleNet_V2_X0_5_Weights
from multiweight.store import hashes, local_path
from tests.catalogue.plugins import forget

DIGITS, OLDER = "ShuffleNet_V2_X0_5_Weights.DIGITS_V2", "ShuffleNet_V2_X0_5_Weights.DIGITS_V1"
CONTENT = b"weights" * 100
TEAM, OTHER = "Team_ResNet18_Weights.FLOWERS_V1", "Team_ResNet18_Weights.FLOWERS_V2"


@pytest.fixture
def place(tmp_path, monkeypatch, run):
    """An empty project, which is the working directory."""
    monkeypatch.delenv("MULTIWEIGHT_LOCK", raising=False)
    (tmp_path / "project" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setattr(hashes, "_seen", {})
    return tmp_path / "project"


@pytest.fixture
def team(place, monkeypatch):
    """A catalogue in the project that every command knows, with its file in the cache."""
    record = {
        "name": TEAM,
        "variant": "resnet18",
        "url": "https://example.org/flowers.safetensors",
        "transforms": {"name": "ImageClassification", "settings": {"crop_size": 8}},
    }
    other = {**record, "name": OTHER, "url": f"{record['url']}?2", "default": True}
    (place / "team.json").write_text(json.dumps([record, other]))
    monkeypatch.setenv("MULTIWEIGHT_CATALOGUE", str(place / "team.json"))
    forget()
    for name in (OTHER, TEAM):
        path = local_path(get_weight(name).url)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CONTENT)
    yield path
    monkeypatch.undo()
    forget()


def well(result):
    assert result.exit_code == 0, result.output
    return result


def test_a_lock_grows_shrinks_and_is_checked(run, place):
    path = place / "weights.lock"
    result = well(run("lock", OLDER))
    assert f"{OLDER}" in result.stdout
    assert "DEFAULT" in result.stdout
    assert f"{path} has 1 entry." in result.stderr
    assert ShuffleNet_V2_X0_5_Weights.DEFAULT is ShuffleNet_V2_X0_5_Weights.DIGITS_V1
    well(run("lock", DIGITS.lower()))
    assert list(read_lock(path).entries) == [OLDER, DIGITS]
    assert read_lock(path).defaults == {"ShuffleNet_V2_X0_5_Weights": OLDER}
    checked = well(run("lock", "--check")).stdout.splitlines()
    assert checked[:2] == [f"{OLDER}: right", f"{DIGITS}: right"]
    assert checked[2].endswith(
        "is pinned to ShuffleNet_V2_X0_5_Weights.DIGITS_V1; the catalogue's is ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1"
    )
    before = path.read_bytes()
    well(run("lock"))
    assert path.read_bytes() == before
    well(run("lock", "--remove", OLDER))
    assert list(read_lock(path).entries) == [DIGITS]
    assert read_lock(path).defaults == {}
    well(run("lock", "--strict"))
    assert "which is strict" in run("download", OLDER).stderr
    well(run("lock", OLDER))
    well(run("download", OLDER))
    assert read_lock(path).strict
    well(run("lock", "--no-strict"))
    assert not read_lock(path).strict


def test_below_the_root_the_projects_lock_is_the_one(run, place, monkeypatch):
    well(run("lock", DIGITS))
    (place / "deep").mkdir()
    monkeypatch.chdir(place / "deep")
    well(run("lock", OLDER))
    assert len(read_lock(place / "weights.lock").entries) == 2
    monkeypatch.setenv("MULTIWEIGHT_LOCK", "other.lock")
    well(run("lock", OLDER))
    assert list(read_lock(place / "deep" / "other.lock").entries) == [OLDER]


def test_update_pins_what_is_meant_and_published_today(run, place, team):
    well(run("lock", TEAM))
    team.write_bytes(CONTENT[::-1])
    wrong = run("lock", "--check")
    assert wrong.exit_code == 1
    assert f"{TEAM}: WRONG: the file {team} has the SHA-256" in wrong.stdout
    assert "multiweight lock --update" in run("download", TEAM).stderr
    assert run("lock", TEAM).exit_code == 1
    well(run("lock", "--update", TEAM))
    sha256 = hashlib.sha256(CONTENT[::-1]).hexdigest()
    assert read_lock(place / "weights.lock").entries[TEAM].sha256 == sha256
    well(run("download", TEAM))
    well(run("lock", "--check"))


def test_update_pins_what_default_means_today(run, place, team):
    enum = type(get_weight(TEAM))
    well(run("lock", TEAM))
    for arguments, meant in (([], TEAM), (["Team_ResNet18_Weights.DEFAULT"], TEAM), (["--update"], TEAM)):
        well(run("lock", *arguments))
        assert str(enum.DEFAULT) == meant
    assert f"pinned to {TEAM}; the catalogue's is {OTHER}" in well(run("lock", "--check")).stdout
    well(run("lock", "--update", "team_resnet18_weights"))
    assert str(enum.DEFAULT) == OTHER
    assert set(read_lock(place / "weights.lock").entries) == {TEAM, OTHER}
    assert "pinned to" not in well(run("lock", "--check")).stdout


def test_what_cannot_be_had_changes_nothing(run, place):
    well(run("lock", DIGITS))
    said = (place / "weights.lock").read_bytes()
    failed = run("lock", "--update", "shufflenet_v2_x0_5")
    assert failed.exit_code == 1
    assert "MULTIWEIGHT_OFFLINE is set" in failed.stderr
    assert (place / "weights.lock").read_bytes() == said
    assert get_weight("ShuffleNet_V2_X0_5_Weights.DEFAULT") is ShuffleNet_V2_X0_5_Weights.DIGITS_V2


def test_a_set_moves(run, place, team, tmp_path, monkeypatch):
    well(run("lock", TEAM, DIGITS))
    packed = well(run("pack", "-o", "set.tar"))
    assert packed.stdout.splitlines() == [f"{DIGITS}: left out, it comes with a package", TEAM]
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / ".git").mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "new"))
    unpacked = well(run("unpack", str(place / "set.tar")))
    path = local_path(get_weight(TEAM).url)
    assert unpacked.stdout.splitlines() == [f"{TEAM}: {path}"]
    assert path != team
    assert path.read_bytes() == CONTENT
    assert read_lock(elsewhere / "weights.lock").entries == read_lock(place / "weights.lock").entries
    assert unpacked.stderr.strip() == f"{elsewhere / 'weights.lock'} is the pack's lock."
    again = well(run("unpack", str(place / "set.tar")))
    assert again.stdout.splitlines() == [f"{TEAM}: {path} (was there)"]
    assert again.stderr == ""
    # The lock that holds here vouches for what comes.
    said = json.loads((elsewhere / "weights.lock").read_text())
    said["entries"][TEAM]["sha256"] = "0" * 64
    (elsewhere / "weights.lock").write_text(json.dumps(said))
    refused = run("unpack", str(place / "set.tar"))
    assert refused.exit_code == 1
    assert "holds another file than" in refused.stderr


def test_unpack_says_what_a_package_should_have_brought(run, place):
    facts = {"url": "package://no_such_package/a.safetensors", "sha256": "0" * 64, "size": 1}
    (place / "weights.lock").write_text(json.dumps({"schema": 1, "entries": {DIGITS: {**facts}}}))
    well(run("pack"))
    os.remove("weights.lock")
    result = run("unpack", "weights.tar")
    assert result.exit_code == 1
    assert f"{DIGITS} comes with a package, and is not right here" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lock"], "Name the weights that the project uses"),
        (["lock", "--check"], "no lock here to check"),
        (["lock", "--check", DIGITS], "Give one of"),
        (["lock", "--update", "--remove", DIGITS], "Give one of"),
        (["lock", "--remove"], "Give one of"),
        (["lock", "shufflenet_v2_x05"], "shufflenet_v2_x0_5"),
        (["pack"], "There is no lock here"),
        (["unpack"], "FILE"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_message_and_status_2(run, place, arguments, words):
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert [each.name for each in place.iterdir()] == [".git"]


def test_failures_are_one_message(run, place, monkeypatch):
    for arguments, words in (
        (["unpack", "none.tar"], "none.tar cannot be read"),
        (["lock", "--remove", DIGITS], "is not in"),
    ):
        result = run(*arguments)
        assert result.exit_code == 1, result.output
        assert words in result.stderr
    monkeypatch.setenv("MULTIWEIGHT_LOCK", "0")
    assert "turns locks off" in run("lock", DIGITS).stderr
