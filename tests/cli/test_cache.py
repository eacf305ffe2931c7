"""`download`, `verify` and `cache`, on files of a test's own."""

import hashlib

import pytest

from multiweight import store
from multiweight.models import ResNet18_Weights, ResNet34_Weights


@pytest.fixture
def cached(run, monkeypatch):
    """Two entries whose files are in the cache, under names that carry their true hashes."""
    for entry, content in ((ResNet18_Weights.IMAGENET1K_V1, b"one"), (ResNet34_Weights.IMAGENET1K_V1, b"two!")):
        digest = hashlib.sha256(content).hexdigest()
        monkeypatch.setitem(entry.value.__dict__, "url", f"https://example.org/{type(entry).variant}-{digest[:8]}.pth")
        path = store.local_path(entry.url)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return store.local_path(ResNet18_Weights.DEFAULT.url), store.local_path(ResNet34_Weights.DEFAULT.url)


def test_download_prints_where_the_files_are(run, cached):
    result = run("download", "resnet18", "resnet34")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [str(path) for path in cached]


def test_download_offline_of_a_missing_file_says_what_to_do(run):
    result = run("download", "resnet18")
    assert result.exit_code == 1
    for word in (ResNet18_Weights.DEFAULT.url, "MULTIWEIGHT_OFFLINE", "checkpoints"):
        assert word in result.stderr


def test_verify_hashes_again_and_finds_what_decayed(run, cached):
    result = run("verify")
    assert result.exit_code == 0, result.output
    assert "ResNet18_Weights.IMAGENET1K_V1: right" in result.stdout
    assert hashlib.sha256(b"two!").hexdigest() in result.stdout
    cached[0].write_bytes(b"eno")
    result = run("verify", "resnet18", "resnet34")
    assert result.exit_code == 1
    assert "ResNet18_Weights.IMAGENET1K_V1: WRONG" in result.stdout
    assert "ResNet34_Weights.IMAGENET1K_V1: right" in result.stdout
    assert "1 of 2" in result.stderr


def test_a_wrong_file_is_not_used(run, cached):
    cached[0].write_bytes(b"eno")
    result = run("download", "resnet18")
    assert result.exit_code == 1
    assert hashlib.sha256(b"eno").hexdigest()[:8] in result.stderr
    assert cached[0].read_bytes() == b"eno"


def test_cache_lists_measures_and_removes(run, cached):
    other = cached[0].with_name("somebody-elses.pth")
    other.write_bytes(b"x" * 2**20)
    run("download", "resnet18")
    rows = {line.split()[-1]: line for line in run("cache", "list").stdout.splitlines()[1:]}
    assert set(rows) == {cached[0].name, cached[1].name, other.name}
    assert "ResNet18_Weights.IMAGENET1K_V1" in rows[cached[0].name]
    assert " checked" in rows[cached[0].name]
    assert "not yet checked" in rows[cached[1].name]
    assert run("cache", "size").stdout.startswith("3 files, 1.0 MiB")

    assert run("cache", "remove", "resnet18", input="n\n").exit_code == 1
    assert cached[0].exists()
    assert run("cache", "remove", "resnet18", "--yes").exit_code == 0
    assert not cached[0].exists()
    assert run("cache", "remove", "resnet18", "--yes").exit_code == 2
    assert run("cache", "remove", "--all", "--yes").exit_code == 0
    assert not cached[1].exists()
    assert other.exists()
    assert run("cache", "remove", other.name, input="y\n").exit_code == 0
    assert not other.exists()
    assert "holds no weights" in run("cache", "list").stderr
