"""The lock: what is written of an entry, and that no other bytes are used."""

import hashlib
import json
from dataclasses import replace

import pytest

from multiweight.catalogue import (
    ImageClassification,
    Weights,
    _registry,
    entry_of_file,
    header_json,
    resolve,
)
from multiweight.catalogue._lock import Lock, current_lock, read_lock
from multiweight.errors import HashMismatchError, LockError, OfflineError, StoreError
from multiweight.store import ensure, verify
from multiweight.store.lockfile import check_lock, lock_entry, lock_text, with_entries, without_entries, write_lock
from tests.catalogue.files import header, with_header

from .conftest import CONTENT, NAME, OTHER, SHA256, UNNAMED


@pytest.fixture
def lock(entries, project):
    """A lock of both, written."""
    lock = with_entries(Lock(path=project / "weights.lock"), [(entry, lock_entry(entry), False) for entry in entries])
    write_lock(lock)
    return lock


def test_a_lock_says_which_bytes_from_where(lock, entries, server, project):
    named, _ = entries
    assert read_lock(lock.path) == current_lock() == lock
    for entry in entries:
        facts = lock.entries[str(entry)]
        assert (facts.sha256, facts.size, facts.url) == (SHA256, len(CONTENT), entry.url)
        assert (facts.variant, facts.license, facts.mirrors) == ("resnet18", "MIT", ())
    assert lock.defaults == {"Team_ResNet18_Weights": str(named)}
    assert sorted(path.name for path in project.iterdir()) == ["weights.lock"]


def test_it_is_written_the_same_whatever_the_order_and_a_line_a_fact(lock, entries):
    text = lock_text(lock)
    other = with_entries(Lock(path=lock.path), [(entry, lock_entry(entry), False) for entry in reversed(entries)])
    assert list(json.loads(text)["entries"]) == sorted(map(str, entries))
    assert lock_text(with_entries(other, [(entries[0], lock_entry(entries[0]), True)])) == text
    more = text.replace(f'"size": {len(CONTENT)}', '"size": 7', 1)
    assert sum(one != two for one, two in zip(text.splitlines(), more.splitlines(), strict=True)) == 1


def test_default_means_an_entry_that_is_locked(entries, project):
    named, unnamed = entries
    empty = Lock(path=project / "weights.lock")
    facts = lock_entry(unnamed)
    one = with_entries(empty, [(unnamed, facts, False)])
    assert one.defaults == {"Team_ResNet18_Weights": str(unnamed)}
    two = with_entries(one, [(named, facts, False)])
    assert two.defaults == one.defaults
    three = with_entries(two, [(named, facts, True)])
    assert three.defaults == {"Team_ResNet18_Weights": str(named)}
    assert without_entries(three, [str(named)]).defaults == {}
    assert list(without_entries(three, [str(named)]).entries) == [str(unnamed)]
    write_lock(two)
    assert type(named).DEFAULT is resolve("Team_ResNet18_Weights") is unnamed


def test_other_bytes_are_refused_wherever_they_come_from(lock, entries, server, cache):
    """Of the entry without a hash in its name only the lock knows what is right."""
    entry = entries[1]
    path = ensure(entry.value, name=str(entry))
    path.write_bytes(OTHER)
    with pytest.raises(HashMismatchError, match=r"(?s)is not the published.*The lock .*weights.lock pins the SHA-256"):
        ensure(entry.value, name=str(entry))
    assert not verify(entry.value, name=str(entry)).ok
    path.unlink()
    server.files[f"/{UNNAMED}"] = OTHER
    with pytest.raises(HashMismatchError, match=r"`multiweight lock --update Team_ResNet18_Weights.UNNAMED_V1`"):
        ensure(entry.value, name=str(entry))
    assert not path.exists()
    assert lock_entry(entry, by_lock=False).sha256 == hashlib.sha256(OTHER).hexdigest()
    with pytest.raises(HashMismatchError):
        lock_entry(entry)


def test_without_a_lock_they_are_not(lock, entries, server, monkeypatch):
    lock.path.unlink()
    path = ensure(entries[1].value, name="that")
    path.unlink()
    server.files[f"/{UNNAMED}"] = OTHER
    assert ensure(entries[1].value, name="that").read_bytes() == OTHER


def test_mirrors_of_the_lock_are_tried_and_kept(lock, entries, server, monkeypatch):
    entry = entries[1]
    monkeypatch.setenv("MULTIWEIGHT_MIRRORS", f"{server.url}/{UNNAMED}={server.url}/mirror.pth")
    server.files["/mirror.pth"] = CONTENT
    mirrored = with_entries(lock, [(entry, lock_entry(entry), False)])
    assert mirrored.entries[str(entry)].mirrors == (f"{server.url}/mirror.pth",)
    write_lock(mirrored)
    monkeypatch.delenv("MULTIWEIGHT_MIRRORS")
    again = with_entries(mirrored, [(entry, lock_entry(entry), False)])
    assert again == mirrored
    ensure(entry.value, name="that").unlink()
    del server.files[f"/{UNNAMED}"]
    server.requests.clear()
    assert ensure(entry.value, name="that").read_bytes() == CONTENT
    assert [request.path for request in server.requests] == ["/mirror.pth"]


def test_where_an_entry_was_when_it_was_locked_is_tried_too(lock, entries, server):
    """Its publisher has moved it, and the new place has something else."""
    entry = entries[1]
    (server.files["/moved.pth"],) = [OTHER]
    moved = Weights(f"{server.url}/moved.pth", ImageClassification(crop_size=8), {})
    moved.__dict__["_member"] = entry
    assert ensure(moved, name="that").read_bytes() == CONTENT


def test_strict(lock, entries, server, entry):
    write_lock(without_entries(lock, [str(entries[0])]))
    ensure(entries[0].value, name="that")
    strict = Lock(path=lock.path, entries={str(entries[1]): lock.entries[str(entries[1])]}, strict=True)
    write_lock(strict)
    ensure(entries[1].value, name="that")
    for weights in (entries[0].value, entry(f"{server.url}/{NAME}")):
        with pytest.raises(LockError, match="which is strict"):
            ensure(weights, name="that")


def test_a_file_of_ones_own_is_what_it_is(lock, tmp_path):
    file = tmp_path / "best.safetensors"
    file.write_bytes(with_header(header_json(header())))
    entry = entry_of_file(file)
    with pytest.raises(LockError, match="is a file that is named by its path"):
        lock_entry(entry)
    write_lock(Lock(path=lock.path, strict=True))
    assert ensure(entry.value, name="that") == file


def test_check(lock, entries, server, monkeypatch):
    assert [(found.ok, found.text) for found in check_lock(lock)] == [(True, "right")] * 2
    path = ensure(entries[1].value, name="that")
    path.write_bytes(OTHER)
    assert [found.ok for found in check_lock(lock)] == [True, False]
    path.unlink()
    assert [found.text for found in check_lock(lock)] == ["right", "not in the cache"]
    monkeypatch.setenv("MULTIWEIGHT_LICENSES", "bsd-3-clause")
    assert [found.ok for found in check_lock(lock)] == [False, False]
    monkeypatch.delenv("MULTIWEIGHT_LICENSES")
    _registry._added.clear()
    _registry._forget()
    assert ["no weights enum" in found.text for found in check_lock(lock)] == [True, True]


def test_check_knows_what_the_catalogue_knows(lock, entries):
    named = str(entries[0])
    wrong = Lock(
        path=lock.path, entries={named: type(lock.entries[named])(variant=None, url="a", sha256="0" * 64, size=1)}
    )
    (found,) = check_lock(wrong)
    assert not found.ok
    assert f"and the catalogue {SHA256[:8]}" in found.text


def test_a_lock_that_contradicts_what_is_published_is_refused(lock, entries):
    name = str(entries[0])
    write_lock(replace(lock, entries={name: replace(lock.entries[name], sha256="0" * 64)}))
    for use in (ensure, verify):
        with pytest.raises(LockError, match=rf"has the SHA-256 0000.*, and the published one begins with {SHA256[:8]}"):
            use(entries[0].value, name=name)


def test_offline_and_full_disks_leave_the_lock_as_it_was(lock, entries, monkeypatch, project):
    before = lock.path.read_bytes()
    ensure(entries[1].value, name="that").unlink()
    monkeypatch.setenv("MULTIWEIGHT_OFFLINE", "1")
    with pytest.raises(OfflineError):
        lock_entry(entries[1])
    monkeypatch.setattr("os.fsync", lambda file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(StoreError, match="weights.lock cannot be written: No space"):
        write_lock(without_entries(lock, lock.entries))
    assert lock.path.read_bytes() == before
    assert [path.name for path in project.iterdir()] == ["weights.lock"]
