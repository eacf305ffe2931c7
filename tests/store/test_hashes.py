"""A file is hashed once, when it arrives or is first seen, and again only when it has changed."""

import json
import os

import pytest

from multiweight import store
from multiweight.errors import HashMismatchError, StoreError
from multiweight.store import ensure, hashes, verify

from .conftest import CONTENT, NAME, SHA256

URL = f"https://example.invalid/{NAME}"  # nothing is ever downloaded here
OTHER = CONTENT[::-1]


@pytest.fixture
def file(cache):
    """A file that another program put into the cache."""
    cache.mkdir(parents=True)
    (cache / NAME).write_bytes(CONTENT)
    return cache / NAME


@pytest.fixture
def hashed(monkeypatch):
    """The paths that were read whole, in order."""
    paths = []
    real = hashes.hash_file

    def hash_file(path):
        paths.append(path)
        return real(path)

    for module in (hashes, store):
        monkeypatch.setattr(module, "hash_file", hash_file)
    return paths


def new_process(monkeypatch):
    monkeypatch.setattr(hashes, "_seen", {})


def sidecar(file):
    return file.with_name(f"{file.name}.sha256.json")


def test_foreign_file_is_hashed_when_first_seen(file, hashed, entry, monkeypatch):
    for _ in range(3):
        assert ensure(entry(URL), name="Net.V1") == file
        new_process(monkeypatch)
    assert hashed == [file]
    status = file.stat()
    assert json.loads(sidecar(file).read_text()) == {
        "sha256": SHA256,
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
    }
    assert {path.name for path in file.parent.iterdir()} == {NAME, sidecar(file).name}


@pytest.mark.parametrize("sha256", [None, SHA256, SHA256.upper()])
def test_wrong_file_is_refused_and_left_alone(file, entry, sha256):
    file.write_bytes(OTHER)
    for _ in range(2):
        with pytest.raises(HashMismatchError) as caught:
            ensure(entry(URL, sha256), name="Net.V1")
        found = hashes.hash_file(file).sha256
        for said in ("Net.V1", str(file), found, SHA256 if sha256 else f"{SHA256[:8]}…", "multiweight download Net.V1"):
            assert said in str(caught.value)
    assert file.read_bytes() == OTHER
    assert not sidecar(file).exists()


@pytest.mark.parametrize("known", ["this process", "another process"])
@pytest.mark.parametrize("content", [OTHER, CONTENT + b"more", CONTENT[:-1], b""])
def test_changed_file_is_hashed_again(file, entry, monkeypatch, known, content):
    ensure(entry(URL), name="Net.V1")
    file.write_bytes(content)
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))  # clocks of file systems are coarse
    if known == "another process":
        new_process(monkeypatch)
    with pytest.raises(HashMismatchError):
        ensure(entry(URL), name="Net.V1")


def test_touched_file_is_hashed_once_more(file, hashed, entry):
    for _ in range(2):
        ensure(entry(URL), name="Net.V1")
    os.utime(file, ns=(1, 1))
    for _ in range(2):
        ensure(entry(URL), name="Net.V1")
    assert hashed == [file, file]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"sha256": 1, "size": 2}', '{"sha256": null, "size": 1, "mtime_ns": 1}']
)
def test_broken_record_counts_for_nothing(file, hashed, entry, text):
    sidecar(file).write_text(text)
    ensure(entry(URL), name="Net.V1")
    assert hashed == [file]
    assert json.loads(sidecar(file).read_text())["sha256"] == SHA256


def test_record_must_itself_be_the_expected_hash(file, hashed, entry):
    status = file.stat()
    record = {"sha256": "0" * 64, "size": status.st_size, "mtime_ns": status.st_mtime_ns}
    sidecar(file).write_text(json.dumps(record))
    ensure(entry(URL), name="Net.V1")
    assert hashed == [file]
    file.write_bytes(OTHER)
    record = {"sha256": "0" * 64, "size": len(OTHER), "mtime_ns": file.stat().st_mtime_ns}
    sidecar(file).write_text(json.dumps(record))
    with pytest.raises(HashMismatchError):
        ensure(entry(URL), name="Net.V1")


def test_two_entries_that_disagree_on_one_file(file, entry):
    ensure(entry(URL), name="Net.V1")
    with pytest.raises(HashMismatchError):
        ensure(entry(URL, SHA256[:-1] + ("0" if SHA256[-1] != "0" else "1")), name="Net.V2")


def test_folder_without_room_for_a_record(file, hashed, entry, monkeypatch):
    sidecar(file).mkdir()  # cannot be replaced by a file, not even by root
    for _ in range(2):
        assert ensure(entry(URL), name="Net.V1") == file
    assert hashed == [file]
    new_process(monkeypatch)
    ensure(entry(URL), name="Net.V1")
    assert hashed == [file, file]
    assert {path.name for path in file.parent.iterdir()} == {NAME, sidecar(file).name}


@pytest.mark.parametrize("kind", ["file", "package", "path"])
@pytest.mark.parametrize("sha256", [SHA256, None])
def test_files_outside_the_cache_get_no_record(tmp_path, hashed, entry, monkeypatch, kind, sha256):
    folder = tmp_path / "net_package"
    folder.mkdir()
    (folder / "net.pth").write_bytes(CONTENT)
    monkeypatch.syspath_prepend(tmp_path)
    url = {"file": f"file://{folder}/net.pth", "package": "package://net_package/net.pth", "path": f"{folder}/net.pth"}
    for _ in range(2):
        assert ensure(entry(url[kind], sha256), name="Net.V1") == folder / "net.pth"
    assert hashed == [folder / "net.pth"] * (sha256 is not None)
    assert [path.name for path in folder.iterdir()] == ["net.pth"]
    (folder / "net.pth").write_bytes(OTHER + b"more")
    if sha256:
        with pytest.raises(HashMismatchError):
            ensure(entry(url[kind], sha256), name="Net.V1")


@pytest.mark.parametrize("url", ["file:///no/such/net.pth", "/no/such/net.pth", "package://multiweight/no/such.pth"])
def test_missing_local_file(entry, url):
    with pytest.raises(StoreError, match=r"Net\.V1: there is no file .*such"):
        ensure(entry(url), name="Net.V1")


class TestVerify:
    def test_good(self, file, hashed, entry):
        for times in (1, 2):
            assert verify(entry(URL), name="Net.V1") == store.VerifiedFile(file, SHA256, SHA256[:8], True)
            assert hashed == [file] * times
        ensure(entry(URL), name="Net.V1")
        assert len(hashed) == 2  # what verify found out is on record

    def test_decayed_without_a_trace(self, file, entry, monkeypatch):
        ensure(entry(URL), name="Net.V1")
        before = file.stat()
        file.write_bytes(OTHER)
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert ensure(entry(URL), name="Net.V1") == file
        result = verify(entry(URL), name="Net.V1")
        assert not result.ok
        assert result.sha256 == hashes.hash_file(file).sha256
        assert file.read_bytes() == OTHER
        new_process(monkeypatch)
        with pytest.raises(HashMismatchError):  # and from now on every load knows
            ensure(entry(URL), name="Net.V1")

    def test_decayed_where_only_the_first_reading_tells(self, cache, entry):
        weights = entry("https://example.invalid/model.pth")
        path = store.local_path(weights.url)
        path.parent.mkdir(parents=True)
        path.write_bytes(CONTENT)
        ensure(weights, name="Net.V1")
        assert verify(weights, name="Net.V1").ok
        before = path.stat()
        path.write_bytes(OTHER)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert not verify(weights, name="Net.V1").ok

    def test_missing(self, entry):
        with pytest.raises(StoreError, match=r"multiweight download Net\.V1"):
            verify(entry(URL), name="Net.V1")
