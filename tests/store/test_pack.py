"""A pack arrives whole and right, and goes nowhere but into the cache."""

import dataclasses
import hashlib
import io
import json
import os
import pty
import subprocess
import sys
import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multiweight.catalogue import as_json
from multiweight.catalogue._lock import Lock, Locked
from multiweight.catalogue._registry import catalogues_added
from multiweight.errors import (
    CorruptFileError,
    HashMismatchError,
    LicenseError,
    LockError,
    MultiweightError,
    OfflineError,
)
from multiweight.store import checkpoints_dir, ensure, hashes, local_path
from multiweight.store.lockfile import lock_entry, lock_text, with_entries
from multiweight.store.pack import pack, read_packed_lock, unpack

from .conftest import CONTENT, NAME, OTHER, SHA256

UNUSED = "https://example.org/model.safetensors"


@pytest.fixture
def lock(entries, project):
    return with_entries(Lock(path=project / "weights.lock"), [(entry, lock_entry(entry), False) for entry in entries])


@pytest.fixture
def packed(lock, project):
    output = project / "weights.tar"
    assert pack(lock, output) == list(lock.entries)
    return output


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Goes to a machine without network and with an empty cache; gives its cache."""

    def go():
        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "elsewhere"))
        monkeypatch.setenv("MULTIWEIGHT_OFFLINE", "1")
        monkeypatch.setattr(hashes, "_seen", {})
        return checkpoints_dir()

    return go


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".lock"))


def tar(*members, end=True):
    """The bytes of a tar file: of pairs of a name, or a head, and the content."""
    out = io.BytesIO()
    for name, content in members:
        head = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
        head.size = head.size or len(content)
        out.write(head.tobuf(tarfile.GNU_FORMAT) + content + b"\0" * (-len(content) % 512))
    return out.getvalue() + b"\0" * 1024 * end


def locked(url=UNUSED, content=CONTENT, **about):
    sha256 = hashlib.sha256(content).hexdigest()
    return Locked(**{"variant": None, "url": url, "sha256": sha256, "size": len(content), **about})


def text_of(*facts):
    return lock_text(Lock(path=None, entries={f"No_Weights.A_V{n}": each for n, each in enumerate(facts)})).encode()


def test_a_locked_set_moves_to_a_machine_without_network(packed, lock, entries, elsewhere, project):
    cache = elsewhere()
    with pytest.raises(OfflineError):
        ensure(entries[0].value, name="that")
    placed = unpack(packed)
    assert [(each.path, each.new) for each in placed] == [(local_path(entry.url), True) for entry in entries]
    assert all(cache in each.path.parents for each in placed)
    assert files_in(cache) == ["model.pth", "model.pth.sha256.json", NAME, f"{NAME}.sha256.json"]
    for entry in entries:
        assert ensure(entry.value, name="that").read_bytes() == CONTENT
    assert dataclasses.replace(read_packed_lock(packed), path=lock.path) == lock
    assert [each.new for each in unpack(packed, pinned=lock)] == [False, False]


def test_every_tar_reads_it_and_equal_files_are_in_it_once(packed):
    with tarfile.open(packed) as archive:
        members = archive.getmembers()
        assert [member.name for member in members] == ["weights.lock", f"files/{SHA256}"]
        assert archive.extractfile(members[1]).read() == CONTENT
        assert json.load(archive.extractfile(members[0]))["schema"] == 1


def test_the_same_lock_gives_the_same_bytes(packed, lock, project):
    pack(lock, project / "again.tar")
    assert packed.read_bytes() == (project / "again.tar").read_bytes()


def test_packing_downloads_and_verifies(lock, entries, project, server):
    path = local_path(entries[1].url)
    path.unlink()
    pack(lock, project / "weights.tar")
    assert path.read_bytes() == CONTENT
    (project / "weights.tar").unlink()
    # A file that decays behind its record: size and time stay.
    status = path.stat()
    path.write_bytes(OTHER)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    alone = {str(entries[1]): lock.entries[str(entries[1])]}
    with pytest.raises(HashMismatchError, match="is not the locked one"):
        pack(dataclasses.replace(lock, entries=alone, defaults={}), project / "weights.tar")
    assert not any(project.iterdir())


def test_what_was_moved_since_it_was_locked_goes_where_it_is_looked_for(lock, entries, project, elsewhere):
    name = str(entries[1])
    old = dataclasses.replace(lock.entries[name], url="https://example.org/old.pth")
    pack(dataclasses.replace(lock, entries={name: old}, defaults={}), project / "weights.tar")
    elsewhere()
    unpack(project / "weights.tar")
    assert ensure(entries[1].value, name=name).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("facts", "error", "words"),
    [
        (locked(url="/srv/a.pth"), LockError, "is a file of this machine"),
        (locked(), LockError, "No_Weights.A_V0, which there is not here"),
    ],
)
def test_what_cannot_be_packed_is_said(project, facts, error, words):
    with pytest.raises(error, match=words):
        pack(Lock(path=project / "weights.lock", entries={"No_Weights.A_V0": facts}), project / "weights.tar")
    assert not (project / "weights.tar").exists()


def test_barred_weights_are_not_packed(lock, project, monkeypatch):
    monkeypatch.setenv("MULTIWEIGHT_LICENSES", "bsd-3-clause")
    with pytest.raises(LicenseError):
        pack(lock, project / "weights.tar")


def link(kind, name=f"files/{SHA256}", target="/etc/passwd"):
    head = tarfile.TarInfo(name)
    head.type, head.linkname = kind, target
    return head, b""


LOCK = ("weights.lock", text_of(locked()))
FILE = (f"files/{SHA256}", CONTENT)
KINDS = {
    "link": tarfile.SYMTYPE,
    "hard link": tarfile.LNKTYPE,
    "folder": tarfile.DIRTYPE,
    "device": tarfile.BLKTYPE,
    "pipe": tarfile.FIFOTYPE,
    "sparse file": tarfile.GNUTYPE_SPARSE,
    "long name": tarfile.GNUTYPE_LONGNAME,
    "extended head": tarfile.XHDTYPE,
    "old file": tarfile.AREGTYPE,
}
REFUSED = {
    "empty": (b"", CorruptFileError),
    "no tar": (CONTENT, CorruptFileError),
    "nothing in it": (tar(), CorruptFileError),
    "no lock": (tar(FILE), CorruptFileError),
    "the lock comes later": (tar(FILE, LOCK), CorruptFileError),
    "no file": (tar(LOCK), CorruptFileError),
    "the lock alone, truncated": (tar(LOCK, end=False), CorruptFileError),
    "no end": (tar(LOCK, FILE, end=False), CorruptFileError),
    "another file": (tar(LOCK, FILE, ("files/" + "0" * 64, b"")), CorruptFileError),
    "the file twice": (tar(LOCK, FILE, FILE), CorruptFileError),
    "wrong bytes": (tar(LOCK, (FILE[0], OTHER)), HashMismatchError),
    "other size": (tar(LOCK, (FILE[0], CONTENT[:-1])), CorruptFileError),
    "an absolute name": (tar(LOCK, ("/etc/passwd", CONTENT)), CorruptFileError),
    "a name that climbs": (tar(LOCK, (f"../files/{SHA256}", CONTENT)), CorruptFileError),
    "an extra climbing name": (tar(LOCK, FILE, ("../../x", b"x")), CorruptFileError),
    **{f"a {kind}": (tar(LOCK, link(type_)), CorruptFileError) for kind, type_ in KINDS.items()},
    **{
        f"a {kind} before the lock": (tar(link(type_, "weights.lock"), LOCK, FILE), CorruptFileError)
        for kind, type_ in KINDS.items()
    },
    "a lock that is none": (tar(("weights.lock", b"{}"), FILE), LockError),
    "a lock of text without end": (tar(("weights.lock", b" " * 2**24 + b" ")), CorruptFileError),
    "a URL that is none": (tar(("weights.lock", text_of(locked(url="https://")))), MultiweightError),
    "a published name": (
        tar(("weights.lock", text_of(locked(url="https://example.org/resnet50-0676ba61.pth"))), FILE),
        HashMismatchError,
    ),
    "half an address": (tar(("weights.lock", text_of(locked(url="https://[/a.pth"))), FILE), MultiweightError),
    "negative size": (tar(LOCK, FILE).replace(f"{len(CONTENT):011o}".encode(), b"-0000000001"), CorruptFileError),
}


@pytest.mark.parametrize(("content", "error"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_right_is_refused_and_leaves_nothing(project, elsewhere, content, error):
    cache = elsewhere()
    path = project / "weights.tar"
    path.write_bytes(content)
    with pytest.raises(error) as caught:
        unpack(path)
    assert "weights.tar" in str(caught.value) or error is MultiweightError
    assert [each.name for each in project.iterdir()] == ["weights.tar"]
    left = set(files_in(cache)) if cache.exists() else set()
    # What comes before the fault has been verified and may stay.
    assert left <= {"model.safetensors", "model.safetensors.sha256.json"}
    if "model.safetensors" in left:
        assert next(cache.rglob("model.safetensors")).read_bytes() == CONTENT


@pytest.mark.parametrize("cut", [1, 511, 512, 700, 1024, 1536, 2000, 200_000, -1500, -1024, -1])
def test_a_truncated_pack_is_refused(packed, elsewhere, cut):
    cache = elsewhere()
    packed.write_bytes(packed.read_bytes()[:cut])
    if cut == -1:
        # The last block of zeros says nothing.
        assert len(unpack(packed)) == 2
        return
    with pytest.raises(CorruptFileError):
        unpack(packed)
    for each in cache.rglob("*") if cache.exists() else ():
        assert not each.is_file() or each.name.endswith((".lock", ".json")) or each.read_bytes() == CONTENT


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_wrong_byte_is_never_put_into_the_cache(packed, elsewhere, data):
    content = bytearray(packed.read_bytes())
    at = data.draw(st.integers(0, 2600) | st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    damaged = packed.with_name("damaged.tar")
    damaged.write_bytes(content)
    cache = elsewhere()
    for each in [*cache.rglob("*")] if cache.exists() else ():
        if each.is_file():
            each.unlink()
    hashes._seen.clear()
    try:
        unpack(damaged)
    except (MultiweightError, UnicodeError) as error:
        assert isinstance(error, MultiweightError)
    for each in cache.rglob("*"):
        assert not each.is_file() or each.name.endswith((".lock", ".json")) or each.read_bytes() == CONTENT


@given(
    st.text(max_size=30) | st.sampled_from(["../../../a-01234567.pth", "a/../../b.pth", "%2e%2e/b", "..\\..\\b", "~/b"])
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_url_leads_out_of_the_cache(project, elsewhere, rest):
    cache = elsewhere()
    path = project / "weights.tar"
    path.write_bytes(
        tar(
            (
                "weights.lock",
                text_of(locked(url=f"https://example.org/{rest}")),
            ),
            FILE,
        )
    )
    try:
        placed = unpack(path)
    except MultiweightError:
        return
    for each in placed:
        assert cache.resolve() in each.path.resolve().parents


def test_the_projects_own_lock_and_the_catalogue_are_not_contradicted(packed, lock, entries, elsewhere, project):
    cache = elsewhere()
    facts = lock.entries[str(entries[1])]
    for name in (str(entries[1]), "Other_Weights.OF_THE_SAME_URL"):
        pinned = dataclasses.replace(lock, entries={name: dataclasses.replace(facts, sha256="0" * 64)})
        with pytest.raises(HashMismatchError, match=r"weights.tar holds another file than .*weights.lock pins"):
            unpack(packed, pinned=pinned)
    other_name = f"files/{locked(content=OTHER).sha256}"
    other = tar(
        ("weights.lock", lock_text(Lock(path=None, entries={str(entries[0]): locked(entries[0].url, OTHER)})).encode()),
        (other_name, OTHER),
    )
    (project / "other.tar").write_bytes(other)
    with pytest.raises(HashMismatchError, match="holds another file than is published"):
        unpack(project / "other.tar")
    (project / "hashed.json").write_text(
        json.dumps({**as_json(entries[1]), "name": "Hashed_Weights.A_V1", "url": UNUSED, "sha256": SHA256})
    )
    (project / "renamed.tar").write_bytes(tar(("weights.lock", text_of(locked(content=OTHER))), (other_name, OTHER)))
    with catalogues_added([str(project / "hashed.json")]), pytest.raises(HashMismatchError, match="than is published"):
        unpack(project / "renamed.tar")
    assert not cache.exists()


def test_another_file_in_its_place_stays(packed, entries, elsewhere):
    elsewhere()
    path = local_path(entries[1].url)
    path.parent.mkdir(parents=True)
    path.write_bytes(OTHER)
    with pytest.raises(HashMismatchError, match="another file is at .*model.pth"):
        unpack(packed)
    assert path.read_bytes() == OTHER


def test_a_terminal_shows_how_far_it_is_and_a_pipe_does_not(packed, tmp_path):
    def shown(stderr):
        code = f"from pathlib import Path; from multiweight.store.pack import unpack; unpack(Path({str(packed)!r}))"
        home = tmp_path / f"home{stderr}"
        environment = {**os.environ, "TORCH_HOME": str(home), "TERM": "xterm", "COLUMNS": "200"}
        return subprocess.run(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=stderr, timeout=60, env=environment, check=True
        )

    ran = shown(subprocess.PIPE)
    assert (ran.stdout, ran.stderr) == (b"", b"")
    above, below = pty.openpty()
    try:
        shown(below)
        assert b"weights.tar" in os.read(above, 10_000)
    finally:
        os.close(above)
        os.close(below)
