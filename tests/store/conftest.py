import hashlib
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from multiweight.catalogue import Weights, _registry, add_catalogue
from multiweight.store import hashes

from .server import Server

CONTENT = random.Random(0).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NAME = f"net-{SHA256[:8]}.pth"
OTHER = bytes(reversed(CONTENT))
UNNAMED = "model.pth"


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


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty folder, which is the working directory."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MULTIWEIGHT_LOCK", raising=False)
    return folder


@pytest.fixture
def entries(server, tmp_path, project):
    """Two entries of a catalogue, one of which has no hash in the name of its file."""
    records = [
        {
            "name": f"Team_ResNet18_Weights.{name}",
            "variant": "resnet18",
            "url": f"{server.url}/{file}",
            "transforms": {"name": "ImageClassification", "settings": {"crop_size": 8}},
            "license": "MIT",
        }
        for name, file in (("NAMED_V1", NAME), ("UNNAMED_V1", UNNAMED))
    ]
    path = tmp_path / "team.json"
    path.write_text(json.dumps(records))
    yield add_catalogue(path)
    del _registry._added[:]
    _registry._forget()
