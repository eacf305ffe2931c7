"""A file arrives whole and right, or there is one clear error and nothing that could be taken for it."""

import errno
import hashlib
import io
import os
import pty
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multiweight.errors import DownloadError, HashMismatchError, MissingExtraError, OfflineError, StoreError
from multiweight.store import ensure, hashes

from .conftest import CONTENT, NAME, SHA256
from .server import Reply, Server

OTHER = random.Random(1).randbytes(len(CONTENT))
OTHER_SHA256 = hashlib.sha256(OTHER).hexdigest()


def left_in(cache: Path) -> set[str]:
    """What lies in the cache besides locks, which mean nothing."""
    return {str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file() and path.suffix != ".lock"}


def good(cache: Path) -> set[str]:
    return {NAME, f"{NAME}.sha256.json"}


def run_on(stderr, url, *, check=True, env=None):
    script = f"""
from multiweight.catalogue import Weights
from multiweight.store import ensure, hashes
ensure(Weights("{url}", dict, {{}}), name="Net.V1")
"""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", script]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=stderr, check=check, env=env, timeout=60)


def test_download(server, cache, entry, monkeypatch):
    monkeypatch.setattr(hashes, "hash_file", None)  # it is hashed while it arrives, and not read again
    path = ensure(entry(f"{server.url}/{NAME}"), name="Net.V1")
    assert path == cache / NAME
    assert path.read_bytes() == CONTENT
    assert [request.method for request in server.requests] == ["GET"]
    assert left_in(cache) == good(cache)
    assert ensure(entry(f"{server.url}/{NAME}"), name="Net.V1") == path
    assert len(server.requests) == 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(
    drops=st.lists(st.integers(0, len(CONTENT)), max_size=4),
    reset=st.booleans(),
    hashed=st.booleans(),
    ranges=st.sampled_from(["right", "ignored", "refused", "unlabelled", "elsewhere", "lied"]),
    etag=st.sampled_from([{}, {"ETag": '"a"'}, {"ETag": 'W/"a"'}]),
)
def test_dropped_at_any_point(server, entry, monkeypatch, drops, reset, hashed, ranges, etag):
    if ranges == "lied" and not hashed:
        ranges = "right"  # only a hash finds out
    server.requests.clear()
    server.replies.extend(Reply(drop_after=at, reset=reset, ranges=ranges, headers=etag) for at in drops)
    server.otherwise = Reply(ranges=ranges, headers=etag)
    with tempfile.TemporaryDirectory() as home, monkeypatch.context() as patch:
        patch.setenv("TORCH_HOME", home)
        path = ensure(entry(f"{server.url}/{NAME if hashed else 'model.pth'}"), name="Net.V1")
        assert path.read_bytes() == CONTENT
        assert not path.with_name(path.name + ".partial").exists()
    server.replies.clear()


def test_resumes_where_it_was_dropped(server, cache, entry):
    server.replies.append(Reply(drop_after=200_000, pause=0.005))
    assert ensure(entry(f"{server.url}/{NAME}"), name="Net.V1").read_bytes() == CONTENT
    first, second = server.starts
    assert first is None
    assert 0 < second <= 200_000


def test_any_number_of_drops_as_long_as_it_goes_on(server, entry, monkeypatch):
    monkeypatch.setenv("MULTIWEIGHT_RETRIES", "2")
    server.replies.extend([Reply(drop_after=2**15, pause=0.02)] * 8)
    assert ensure(entry(f"{server.url}/{NAME}"), name="Net.V1").read_bytes() == CONTENT
    assert len(server.requests) == 9


@pytest.mark.parametrize("ranges", ["ignored", "refused", "unlabelled", "elsewhere", "lied"])
def test_servers_that_cannot_resume(server, cache, entry, ranges):
    (cache).mkdir(parents=True)
    (cache / f"{NAME}.partial").write_bytes(CONTENT[:100_001])
    server.otherwise = Reply(ranges=ranges)
    assert ensure(entry(f"{server.url}/{NAME}"), name="Net.V1").read_bytes() == CONTENT
    assert server.starts in ([100_001], [100_001, None])
    assert left_in(cache) == good(cache)


@pytest.mark.parametrize("reply", [{"length": False}, {"headers": {"Accept-Ranges": "none"}}, {"pause": 0.001}])
@pytest.mark.parametrize("file", [NAME, "model.pth"])
def test_servers_that_tell_little(server, cache, entry, reply, file):
    server.otherwise = Reply(**reply)
    assert ensure(entry(f"{server.url}/{file}"), name="Net.V1").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("partial", "starts"),
    [
        (CONTENT[:1000], [1000]),
        (CONTENT, []),
        (OTHER[:1000], [1000, None]),  # the pieces do not fit: once more from nothing
        (OTHER, [len(OTHER), None]),
        (CONTENT + b"more", [len(CONTENT) + 4, None]),
        (b"", [None]),
    ],
    ids=["beginning", "whole", "other", "other-whole", "longer", "empty"],
)
def test_partial_of_an_earlier_call(server, cache, entry, partial, starts):
    cache.mkdir(parents=True)
    (cache / f"{NAME}.partial").write_bytes(partial)
    assert ensure(entry(f"{server.url}/{NAME}"), name="Net.V1").read_bytes() == CONTENT
    assert server.starts == starts
    assert left_in(cache) == good(cache)


def test_partial_that_no_hash_can_judge_is_dropped(server, entry):
    weights = entry(f"{server.url}/model.pth")
    path = ensure(weights, name="Net.V1")
    path.unlink()
    path.with_name("model.pth.partial").write_bytes(OTHER[:1000])
    server.requests.clear()
    assert ensure(weights, name="Net.V1").read_bytes() == CONTENT
    assert server.starts == [None]


@pytest.mark.parametrize(
    ("headers", "validator"),
    [
        ({"ETag": '"a"'}, '"a"'),
        ({"ETag": 'W/"a"'}, None),  # the same meaning, not the same bytes
        ({"Last-Modified": "Wed, 01 Jan 2025 00:00:00 GMT"}, "Wed, 01 Jan 2025 00:00:00 GMT"),
        ({}, None),
    ],
)
def test_file_that_changes_between_two_pieces(server, entry, headers, validator):
    server.replies.append(Reply(drop_after=200_000, pause=0.005, headers=headers))
    server.otherwise = Reply(body=OTHER, headers={"ETag": '"b"'})
    assert ensure(entry(f"{server.url}/model.pth"), name="Net.V1").read_bytes() == OTHER
    assert server.requests[1].headers.get("If-Range") == validator
    assert (server.starts[1] is None) == (validator is None)


@pytest.mark.parametrize("known_by", ["name", "sha256"])
def test_wrong_bytes(server, cache, entry, known_by):
    server.otherwise = Reply(body=OTHER)
    weights = entry(f"{server.url}/{NAME}") if known_by == "name" else entry(f"{server.url}/model.pth", SHA256)
    with pytest.raises(HashMismatchError) as caught:
        ensure(weights, name="Net.V1")
    assert OTHER_SHA256 in str(caught.value)
    assert (SHA256[:8] + "…" if known_by == "name" else SHA256) in str(caught.value)
    assert "Net.V1" in str(caught.value)
    assert len(server.requests) == 1
    assert left_in(cache) == set()
    server.otherwise = Reply()
    assert ensure(weights, name="Net.V1").read_bytes() == CONTENT


def test_full_hash_rules_over_the_one_in_the_name(server, entry):
    dated = "/net-20240101.pth"
    server.files[dated] = CONTENT
    assert ensure(entry(server.url + dated, SHA256.upper()), name="Net.V1").read_bytes() == CONTENT


def test_truncated_for_good_then_resumed(server, cache, entry):
    weights = entry(f"{server.url}/{NAME}")
    server.replies.append(Reply(drop_after=250_000, pause=0.005))
    server.otherwise = Reply(drop_after=0)
    with pytest.raises(DownloadError, match=r"MiB that came are kept") as caught:
        ensure(weights, name="Net.V1")
    assert not isinstance(caught.value, HashMismatchError)
    assert left_in(cache) == {f"{NAME}.partial"}
    server.requests.clear()
    server.otherwise = Reply()
    assert ensure(weights, name="Net.V1").read_bytes() == CONTENT
    assert server.starts[0] > 0
    assert left_in(cache) == good(cache)


def test_truncated_and_told_so(server, cache, entry):
    server.otherwise = Reply(body=CONTENT[:-1])
    with pytest.raises(HashMismatchError):
        ensure(entry(f"{server.url}/{NAME}"), name="Net.V1")
    assert left_in(cache) == set()


def test_truncated_without_a_hash_leaves_nothing(server, cache, entry):
    server.otherwise = Reply(drop_after=100_000)
    with pytest.raises(DownloadError):
        ensure(entry(f"{server.url}/model.pth"), name="Net.V1")
    assert left_in(cache) == set()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451, 501])
def test_final_answers(server, cache, entry, status):
    server.otherwise = Reply(status=status)
    with pytest.raises(DownloadError) as caught:
        ensure(entry(f"{server.url}/{NAME}"), name="Net.V1")
    for said in ("Net.V1", str(status), f"{server.url}/{NAME}", str(cache / NAME), "MULTIWEIGHT_MIRRORS"):
        assert said in str(caught.value)
    assert len(server.requests) == 1
    assert left_in(cache) == set()


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_passing_answers(server, entry, status):
    server.replies.extend([Reply(status=status)] * 4)
    assert ensure(entry(f"{server.url}/{NAME}"), name="Net.V1").read_bytes() == CONTENT
    assert len(server.requests) == 5


@pytest.mark.parametrize("retries", [1, 5, 7])
def test_passing_answers_that_do_not_pass(server, entry, monkeypatch, retries):
    monkeypatch.setenv("MULTIWEIGHT_RETRIES", str(retries))
    server.otherwise = Reply(status=503)
    with pytest.raises(DownloadError, match=rf"503 Service Unavailable \({retries} attempts\)"):
        ensure(entry(f"{server.url}/{NAME}"), name="Net.V1")
    assert len(server.requests) == retries


def test_waits_longer_each_time_and_as_long_as_asked(server, entry, monkeypatch):
    waited = []
    monkeypatch.setattr(time, "sleep", waited.append)
    monkeypatch.setenv("MULTIWEIGHT_RETRY_DELAY", "1")
    server.replies.extend([Reply(status=503)] * 3 + [Reply(status=429, headers={"Retry-After": "77"})])
    ensure(entry(f"{server.url}/{NAME}"), name="Net.V1")
    for delay, (least, most) in zip(waited, [(0.5, 1.5), (1, 3), (2, 6), (77, 77)], strict=True):
        assert least <= delay <= most


@pytest.mark.parametrize("after", [-1, 0, 150_000])
def test_stalls(server, entry, monkeypatch, after):
    monkeypatch.setenv("MULTIWEIGHT_TIMEOUT", "0.3")
    server.replies.append(Reply(stall_after=after))
    assert ensure(entry(f"{server.url}/{NAME}"), name="Net.V1").read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_stalls_for_ever(server, entry, monkeypatch):
    monkeypatch.setenv("MULTIWEIGHT_TIMEOUT", "0.1")
    monkeypatch.setenv("MULTIWEIGHT_RETRIES", "2")
    server.otherwise = Reply(stall_after=0)
    with pytest.raises(DownloadError, match=r"nothing came for 0\.1 s \(2 attempts\)"):
        ensure(entry(f"{server.url}/{NAME}"), name="Net.V1")


def test_slow_is_no_stall(server, entry, monkeypatch):
    monkeypatch.setenv("MULTIWEIGHT_TIMEOUT", "0.5")
    server.otherwise = Reply(pause=0.06)  # 19 pieces, 1.1 s
    assert ensure(entry(f"{server.url}/{NAME}"), name="Net.V1").read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_no_server(cache, entry):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and not listened on
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/{NAME}"
        with pytest.raises(DownloadError, match=r"\(3 attempts\)"):
            ensure(entry(url), name="Net.V1")
    assert left_in(cache) == set()


@pytest.mark.parametrize("url", ["http://user@:/x/a.pth", "https://127.0.0.1:99999/a.pth", "http://[/a.pth"])
def test_urls_that_are_none(cache, entry, url):
    with pytest.raises(StoreError):
        ensure(entry(url), name="Net.V1")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
@pytest.mark.parametrize("trusted", [True, False])
def test_https(tmp_path, trusted):
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run([*command.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    with Server(certificate, key) as server:
        server.files = {f"/{NAME}": CONTENT}
        server.replies.append(Reply(drop_after=100_000))
        environment = {**os.environ, **({"SSL_CERT_FILE": certificate} if trusted else {})}
        done = run_on(subprocess.PIPE, f"{server.url}/{NAME}", check=trusted, env=environment)
    assert server.starts[:1] == [None] * trusted
    if not trusted:  # and that is final: asking again would not make it so
        assert b"DownloadError" in done.stderr
        assert b"certificate verify failed" in done.stderr
        assert b"attempts" not in done.stderr


def test_offline(server, cache, entry, monkeypatch):
    monkeypatch.setenv("MULTIWEIGHT_OFFLINE", "1")
    weights = entry(f"{server.url}/{NAME}")
    with pytest.raises(OfflineError) as caught:
        ensure(weights, name="Net.V1")
    for said in ("Net.V1", NAME, weights.url, str(cache), "MULTIWEIGHT_OFFLINE"):
        assert said in str(caught.value)
    assert not server.requests
    assert not cache.exists()
    cache.mkdir(parents=True)
    (cache / NAME).write_bytes(CONTENT)
    assert ensure(weights, name="Net.V1") == cache / NAME


@pytest.mark.parametrize("word", ["0", "", "false", "off", "NO"])
def test_not_offline(server, entry, monkeypatch, word):
    monkeypatch.setenv("MULTIWEIGHT_OFFLINE", word)
    assert ensure(entry(f"{server.url}/{NAME}"), name="Net.V1").read_bytes() == CONTENT


class TestMirrors:
    @pytest.fixture(autouse=True)
    def two_mirrors(self, server, monkeypatch):
        rules = [f"{server.url}/={server.url}/{mirror}/" for mirror in ("one", "two")]
        monkeypatch.setenv("MULTIWEIGHT_MIRRORS", f"https://elsewhere.example/=http://0.0.0.0/, {', '.join(rules)}")

    @pytest.mark.parametrize("has_it", [["one", "two"], ["two"], []])
    def test_in_order_then_the_original(self, server, cache, entry, has_it):
        server.files.update({f"/{mirror}/{NAME}": CONTENT for mirror in has_it})
        assert ensure(entry(f"{server.url}/{NAME}"), name="Net.V1") == cache / NAME
        tried = [f"/one/{NAME}", f"/two/{NAME}", f"/{NAME}"]
        assert [request.path for request in server.requests] == tried[: 3 - len(has_it)]

    @pytest.mark.parametrize("hashed", [True, False])
    def test_mirror_that_fails_in_the_middle(self, server, cache, entry, hashed):
        file = NAME if hashed else "model.pth"
        server.files[f"/one/{file}"] = OTHER if not hashed else CONTENT
        server.files[f"/two/{file}"] = CONTENT
        server.replies.extend([Reply(drop_after=200_000, pause=0.005)] + [Reply(status=503)] * 5)
        assert ensure(entry(f"{server.url}/{file}"), name="Net.V1").read_bytes() == CONTENT
        assert server.requests[-1].path == f"/two/{file}"
        assert (server.starts[-1] is not None) == hashed

    def test_mirror_with_another_file(self, server, cache, entry):
        server.files[f"/one/{NAME}"] = OTHER
        assert ensure(entry(f"{server.url}/{NAME}"), name="Net.V1").read_bytes() == CONTENT

    def test_none_has_it(self, server, entry):
        server.files.clear()
        server.files[f"/one/{NAME}"] = OTHER
        with pytest.raises(DownloadError) as caught:
            ensure(entry(f"{server.url}/{NAME}"), name="Net.V1")
        for said in (f"/one/{NAME}: its SHA-256 is {OTHER_SHA256}", f"/two/{NAME}: the server answers 404", "404"):
            assert said in str(caught.value)

    def test_folder(self, server, tmp_path, entry, monkeypatch):
        (tmp_path / "mirror").mkdir()
        (tmp_path / "mirror" / NAME).write_bytes(CONTENT)
        for place in (f"{tmp_path}/mirror/", f"file://{tmp_path}/mirror/"):
            monkeypatch.setenv("MULTIWEIGHT_MIRRORS", f"{server.url}/={place}")
            path = ensure(entry(f"{server.url}/{NAME}"), name="Net.V1")
            assert path.read_bytes() == CONTENT
            path.unlink()
        assert not server.requests

    @pytest.mark.parametrize("rule", ["https://a.example", "=https://b.example", "https://a.example="])
    def test_broken_rule(self, server, entry, monkeypatch, rule):
        monkeypatch.setenv("MULTIWEIGHT_MIRRORS", rule)
        with pytest.raises(StoreError, match="prefix=replacement"):
            ensure(entry(f"{server.url}/{NAME}"), name="Net.V1")


def test_secrets_are_not_printed(server, entry):
    server.files.clear()
    url = server.url.replace("http://", "http://user:password@") + f"/{NAME}?signature=s3cr3t"
    with pytest.raises(DownloadError) as caught:
        ensure(entry(url), name="Net.V1")
    assert "password" not in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("variable", ["MULTIWEIGHT_TIMEOUT", "MULTIWEIGHT_RETRIES", "MULTIWEIGHT_RETRY_DELAY"])
@pytest.mark.parametrize("value", ["soon", "-1", "nan"])
def test_settings_that_are_no_numbers(server, entry, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(StoreError, match=f"{variable} must be a number"):
        ensure(entry(f"{server.url}/{NAME}"), name="Net.V1")


@pytest.mark.parametrize(
    ("scheme", "library", "extra"), [("hf", "huggingface_hub", "hub"), ("s3", "s3fs", "s3"), ("gs", "gcsfs", "gcs")]
)
def test_missing_extra(cache, entry, monkeypatch, scheme, library, extra):
    monkeypatch.setitem(sys.modules, library, None)  # as if it were not installed
    monkeypatch.delitem(_registry, scheme, raising=False)  # another test may have used it
    with pytest.raises(MissingExtraError) as caught:
        ensure(entry(f"{scheme}://group/net/model.safetensors"), name="Net.V1")
    assert f'pip install "multiweight[{extra}]"' in str(caught.value)
    assert left_in(cache) == set()


class Flaky(io.BytesIO):
    """A file of an object store whose connection is reset, or just ends, a few times in the middle."""

    failures = 0
    ends = False
    sought: list[int] = []  # noqa: RUF012

    @property
    def size(self):
        return len(self.getvalue())

    def read(self, size=-1):
        if Flaky.failures and self.tell() >= 100_000:
            Flaky.failures -= 1
            if Flaky.ends:
                return b""
            raise ConnectionResetError("reset")
        return super().read(min(size, 50_000))

    def seek(self, to, whence=0):
        Flaky.sought.append(to)
        return super().seek(to, whence)


class Bucket(MemoryFileSystem):
    protocol = "s3"
    cachable = False
    store: dict = {}  # noqa: RUF012 (not the one of all memory file systems)

    @classmethod
    def _strip_protocol(cls, path):
        return "/" + path.removeprefix("s3://").strip("/")

    def _open(self, path, mode="rb", **kwargs):
        file = super()._open(path, mode, **kwargs)
        return Flaky(file.getvalue()) if mode == "rb" else file


@pytest.fixture
def bucket(monkeypatch):
    known = dict(fsspec.registry)
    fsspec.register_implementation("s3", Bucket, clobber=True)
    Bucket().pipe("/group/net/model.safetensors", CONTENT)
    monkeypatch.setattr(Flaky, "sought", [])
    yield
    _registry.clear()
    _registry.update(known)


@pytest.mark.parametrize("sha256", [SHA256, None])
@pytest.mark.parametrize("ends", [True, False])
def test_object_store(bucket, cache, entry, monkeypatch, sha256, ends):
    monkeypatch.setattr(Flaky, "failures", 2)
    monkeypatch.setattr(Flaky, "ends", ends)
    path = ensure(entry("s3://group/net/model.safetensors", sha256), name="Net.V1")
    assert path == cache / "s3" / "group" / "net" / "model.safetensors"
    assert path.read_bytes() == CONTENT
    assert Flaky.sought == ([0, 100_000, 100_000] if sha256 else [0, 0, 0])


def test_object_store_with_a_longer_partial(bucket, cache, entry):
    path = cache / "s3" / "group" / "net" / "model.safetensors"
    path.parent.mkdir(parents=True)
    path.with_name(f"{path.name}.partial").write_bytes(OTHER + b"more")
    assert ensure(entry("s3://group/net/model.safetensors", SHA256), name="Net.V1").read_bytes() == CONTENT


def test_object_store_that_always_ends_early(bucket, cache, entry, monkeypatch):
    monkeypatch.setattr(Flaky, "failures", 99)
    monkeypatch.setattr(Flaky, "ends", True)
    with pytest.raises(DownloadError, match=r"100,000 bytes of 300,000 came \(\d attempts\)"):
        ensure(entry("s3://group/net/model.safetensors"), name="Net.V1")
    assert left_in(cache) == set()


def test_object_store_without_the_file(bucket, cache, entry):
    with pytest.raises(DownloadError, match="other.safetensors"):
        ensure(entry("s3://group/net/other.safetensors", SHA256), name="Net.V1")
    assert left_in(cache) == set()


class TestDisk:
    """Whatever the disk refuses is one `DownloadError` that names the folder, and the rest of the cache works on."""

    @pytest.fixture(autouse=True)
    def another_file(self, server, cache, entry):
        server.files["/other.pth"] = OTHER
        other = entry(f"{server.url}/other.pth", OTHER_SHA256)
        ensure(other, name="Net.V2")
        kept = left_in(cache)
        yield
        assert left_in(cache) == kept
        server.otherwise = Reply(status=500)
        assert ensure(other, name="Net.V2").read_bytes() == OTHER

    def test_full_and_seen_before(self, server, cache, entry, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9 - 100, 100))
            with pytest.raises(DownloadError, match=r"0\.3 MiB are needed and 0\.0 MiB are free.*TORCH_HOME"):
                ensure(entry(f"{server.url}/{NAME}"), name="Net.V1")

    @pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
    def test_full_in_the_middle(self, server, cache):
        script = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))  # a write past this fails, as on a full disk
from multiweight.catalogue import Weights
from multiweight.store import ensure, hashes
ensure(Weights("{server.url}/{NAME}", dict, {{}}), name="Net.V1")
"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        assert "DownloadError: Net.V1 cannot be written" in done.stderr
        assert str(cache / NAME) in done.stderr

    @pytest.mark.parametrize("refused", [errno.ENOSPC, errno.EDQUOT])
    def test_no_space_at_the_end(self, server, cache, entry, monkeypatch, refused):
        def no_fsync(descriptor):
            raise OSError(refused, os.strerror(refused))

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", no_fsync)
            with pytest.raises(DownloadError, match="Free some space"):
                ensure(entry(f"{server.url}/{NAME}"), name="Net.V1")

    @pytest.mark.parametrize("refused", [errno.EROFS, errno.EACCES])
    def test_read_only(self, server, cache, entry, monkeypatch, refused):
        # Permissions do not bind root, as whom tests may run.
        real = os.open

        def no_writing(path, flags, *args, **kwargs):
            if flags & (os.O_WRONLY | os.O_RDWR) and str(path).startswith(str(cache)):
                raise OSError(refused, os.strerror(refused), str(path))
            return real(path, flags, *args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(os, "open", no_writing)
            with pytest.raises(DownloadError, match="can be written to") as caught:
                ensure(entry(f"{server.url}/{NAME}"), name="Net.V1")
        assert str(cache / NAME) in str(caught.value)
        (cache / f"{NAME}.lock").unlink(missing_ok=True)

    def test_folder_that_cannot_be(self, server, tmp_path, entry, monkeypatch):
        (tmp_path / "file").touch()
        with monkeypatch.context() as patch:
            patch.setenv("TORCH_HOME", str(tmp_path / "file"))
            with pytest.raises(DownloadError, match="TORCH_HOME"):
                ensure(entry(f"{server.url}/{NAME}"), name="Net.V1")


def test_quiet_in_a_pipe_and_without_warnings(server):
    server.replies.append(Reply(drop_after=100_000))
    done = run_on(subprocess.PIPE, f"{server.url}/{NAME}")
    assert done.stdout == b""
    assert done.stderr == b""


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_progress_on_a_terminal(server, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    ours, theirs = pty.openpty()
    shown = b""
    try:
        done = run_on(theirs, f"{server.url}/{NAME}")
        os.close(theirs)
        with suppress(OSError):  # where nobody holds the other end any more, Linux says so with an error
            while piece := os.read(ours, 10_000):
                shown += piece
    finally:
        os.close(ours)
    assert done.stdout == b""
    assert b"Net.V1" in shown
    assert b"293.0/293.0 KiB" in shown
