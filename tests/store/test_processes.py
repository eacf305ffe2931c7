"""Many processes, one download; and a process that dies in the middle leaves nothing that misleads the next."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from multiweight.store import ensure

from .conftest import CONTENT, NAME, SHA256
from .server import Reply

ASK = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a runner in the background has off
from multiweight.catalogue import Weights
from multiweight.store import ensure
print(ensure(Weights(sys.argv[1], dict, {}, sys.argv[2] or None), name="Net.V1"))
assert "torch" not in sys.modules
"""


def ask(url, sha256=""):
    return subprocess.Popen(
        [sys.executable, "-c", ASK, url, sha256], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("file", [NAME, "model.pth"])
def test_eight_at_once(server, file):
    server.otherwise = Reply(pause=0.1)  # 2 s, so that all of them ask while it is under way
    processes = [ask(f"{server.url}/{file}") for _ in range(8)]
    told = {process.communicate(timeout=120) for process in processes}
    assert [process.returncode for process in processes] == [0] * 8, told
    (path, errors), *others = told
    assert not others
    assert errors == ""
    with open(path.strip(), "rb") as arrived:
        assert arrived.read() == CONTENT
    assert len(server.requests) == 1


def test_eight_threads(server, entry):
    server.otherwise = Reply(pause=0.01)
    paths = []
    weights = entry(f"{server.url}/{NAME}")
    threads = [threading.Thread(target=lambda: paths.append(ensure(weights, name="Net.V1"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(paths) == 8
    assert len(server.requests) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize(("file", "sha256"), [(NAME, ""), ("model.pth", SHA256), ("model.pth", "")])
def test_ended_in_the_middle(server, cache, entry, how, file, sha256):
    server.replies.append(Reply(pause=0.2))
    process = ask(f"{server.url}/{file}", sha256)
    deadline = time.monotonic() + 60
    while sum(path.stat().st_size for path in cache.rglob("*.partial")) < 30_000:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(how)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert [path for path in cache.rglob(file) if path.is_file()] == []
    path = ensure(entry(f"{server.url}/{file}", sha256 or None), name="Net.V1")
    assert path.read_bytes() == CONTENT
    first, second = server.starts
    assert first is None
    # Without a hash nobody could tell whether the pieces are of one file.
    assert (second or 0) >= 30_000 if (sha256 or file == NAME) else second is None
    assert not list(cache.rglob("*.partial"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_forked_after_a_download(server, entry):
    """fsspec's thread does not live on in a forked child; the child can download all the same."""
    ensure(entry(f"{server.url}/{NAME}"), name="Net.V1")
    script = f"""
import os, warnings
from multiweight.catalogue import Weights
from multiweight.store import ensure
ensure(Weights("{server.url}/{NAME}", dict, {{}}), name="Net.V1")
ensure(Weights("{server.url}/model.pth", dict, {{}}), name="Net.V2").unlink()
child = os.fork()
if child == 0:
    ensure(Weights("{server.url}/model.pth", dict, {{}}), name="Net.V2")
    os._exit(0)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
