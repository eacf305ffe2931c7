import hashlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from multiweight.catalogue import Weights
from multiweight.store import hashes

from .server import Server

CONTENT = random.Random(0).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NAME = f"net-{SHA256[:8]}.pth"


@pytest.fixture(scope="session")
def running_server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def server(running_server: Server) -> Server:
    """A server that has one file, under its published name and under one that tells nothing."""
    running_server.reset()
    running_server.files = {f"/{NAME}": CONTENT, "/model.pth": CONTENT}
    return running_server


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, which is not created yet, and downloads that do not wait."""
    for variable in ("OFFLINE", "MIRRORS", "TIMEOUT", "RETRIES"):
        monkeypatch.delenv(f"MULTIWEIGHT_{variable}", raising=False)
    monkeypatch.setenv("MULTIWEIGHT_RETRY_DELAY", "0")
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("torch.hub._hub_dir", None)
    monkeypatch.setattr(hashes, "_seen", {})
    return tmp_path / "home" / "hub" / "checkpoints"


@pytest.fixture(scope="session")
def entry() -> Callable[..., Weights]:
    def make(url: str, sha256: str | None = None) -> Weights:
        return Weights(url=url, transforms=dict, meta={}, sha256=sha256)

    return make
