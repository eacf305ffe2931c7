"""What lies in the cache folder, and how it goes away."""

import pytest
from filelock import FileLock

from multiweight.errors import StoreError
from multiweight.store import CachedFile, cached_files, ensure, is_cached, local_path, remove

from .conftest import CONTENT, NAME


@pytest.fixture
def filled(server, cache, entry):
    ensure(entry(f"{server.url}/{NAME}"), name="Net.V1")
    ensure(entry(f"{server.url}/model.pth"), name="Net.V2")
    (cache / "foreign.pth").write_bytes(b"1234")
    (cache / "other-01234567.pth.partial").write_bytes(b"12")
    (cache / "timm").mkdir()
    (cache / "timm" / "theirs.bin").write_bytes(b"not ours to list")
    return cache


def test_listed(server, filled):
    own = local_path(f"{server.url}/model.pth")
    assert cached_files() == sorted(
        [
            CachedFile(own, len(CONTENT), verified=True, partial=False),
            CachedFile(filled / NAME, len(CONTENT), verified=True, partial=False),
            CachedFile(filled / "foreign.pth", 4, verified=False, partial=False),
            CachedFile(filled / "other-01234567.pth.partial", 2, verified=False, partial=True),
        ],
        key=lambda file: file.path,
    )


def test_no_cache_yet(cache):
    assert cached_files() == []


def test_is_cached(server, entry):
    weights = entry(f"{server.url}/{NAME}")
    assert not is_cached(weights)
    ensure(weights, name="Net.V1")
    assert is_cached(weights)


def test_removed_with_all_that_belongs_to_it(server, filled, entry):
    (filled / f"{NAME}.partial").write_bytes(b"123")
    assert remove(filled / NAME) == len(CONTENT) + 3
    assert remove(local_path(f"{server.url}/model.pth")) == len(CONTENT)
    assert remove(filled / "other-01234567.pth.partial") == 2
    assert remove(filled / "foreign.pth") == 4
    assert cached_files() == []
    assert [path.name for path in filled.iterdir()] == ["timm"]
    assert ensure(entry(f"{server.url}/{NAME}"), name="Net.V1").read_bytes() == CONTENT


@pytest.mark.parametrize("path", ["../../outside.pth", "sub/../../outside.pth", "/etc/hostname", "."])
def test_nothing_outside_is_removed(filled, path):
    (filled.parent / "outside.pth").write_bytes(b"")
    with pytest.raises(StoreError):
        remove(filled / path)
    assert (filled.parent / "outside.pth").exists()
    assert filled.is_dir()


def test_nothing_to_remove(filled):
    with pytest.raises(StoreError, match=r"no .*nothing\.pth"):
        remove(filled / "nothing.pth")
    assert not (filled / "nothing.pth.lock").exists()


def test_not_removed_under_a_download(filled):
    with (
        FileLock(filled / f"{NAME}.lock"),
        pytest.raises(StoreError, match="downloaded by another process"),
    ):
        remove(filled / NAME)
    assert (filled / NAME).exists()
