"""A stand-in of the Hugging Face hub on the loopback: repositories, branches, commits, large files, reading back."""

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote

import pytest

TOKEN = "hf_right"


class Hub(ThreadingHTTPServer):
    """Holds the files of `repositories` by `org/repo`, revision and path. Whoever writes needs `TOKEN`.

    Attributes:
        requests: Method and path of each request so far.
        refusal: A status with which everything is refused, if set.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, dict[str, dict[str, bytes]]] = {}
        self.large: dict[str, bytes] = {}
        self.requests: list[tuple[str, str]] = []
        self.refusal: int | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def put(self, repository: str, files: dict[str, bytes], revision: str = "main") -> None:
        self.repositories.setdefault(repository, {}).setdefault(revision, {}).update(files)

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.shutdown()
        self.server_close()


def connect(hub: Hub, monkeypatch: pytest.MonkeyPatch, token: str | None = TOKEN) -> None:
    """Lets huggingface_hub in this process, and in those that it starts, talk to the stand-in."""
    import huggingface_hub
    from huggingface_hub import constants

    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nowhere/token")
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    if token is not None:
        monkeypatch.setenv("HF_TOKEN", token)
    huggingface_hub.HfFileSystem.clear_instance_cache()


class _Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, status: int, body: Any = None, **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _missing(self, what: str) -> None:
        self._answer(404, {"error": f"{what} not found"}, X_Error_Code=what)

    def _handle(self) -> None:
        hub, path = self.server, unquote(self.path.partition("?")[0])
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        hub.requests.append((self.command, path))
        if hub.refusal is not None:
            self._answer(hub.refusal, {"error": "refused"})
        elif (
            self.command in ("POST", "PUT") and "paths-info" not in path and "validate" not in path and not self._may()
        ):
            self._answer(401, {"error": "Invalid credentials"})
        elif path == "/api/validate-yaml":
            self._answer(200, {"errors": [], "warnings": []})
        elif path == "/api/repos/create":
            said = json.loads(body)
            name = f"{said['organization']}/{said['name']}"
            new = name not in hub.repositories
            hub.repositories.setdefault(name, {"main": {}})
            self._answer(200 if new else 409, {"url": f"{hub.url}/{name}"})
        elif match := re.fullmatch(r"/lfs/(\w+)", path):
            hub.large[match[1]] = body
            self._answer(200, {})
        elif match := re.fullmatch(r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch", path):
            objects = [
                {**each, "actions": {"upload": {"href": f"{hub.url}/lfs/{each['oid']}"}}}
                for each in json.loads(body)["objects"]
            ]
            self._answer(200, {"transfer": "basic", "objects": objects})
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(*match.groups())
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(\w[\w-]*)/([^/]+)(/.*)?)?", path):
            self._of_repository(match[1], match[2] or "revision", match[3] or "main", match[4], body)
        else:
            self._answer(404, {"error": path})

    do_GET = do_HEAD = do_POST = do_PUT = _handle

    def _may(self) -> bool:
        return self.path.startswith("/lfs/") or self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _of_repository(self, name: str, what: str, revision: str, folder: str | None, body: bytes) -> None:
        repository = self.server.repositories.get(name)
        if repository is None:
            return self._missing("RepoNotFound")
        if what == "branch":
            new = revision not in repository
            repository.setdefault(revision, dict(repository["main"]))
            return self._answer(201 if new else 409, {})
        if revision not in repository:
            return self._missing("RevisionNotFound")
        files = repository[revision]
        listed = [
            {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
            for path, content in sorted(files.items())
        ]
        if what == "revision":
            return self._answer(200, {"id": name, "sha": "0" * 40, "siblings": [{"rfilename": each} for each in files]})
        if what == "tree":
            inside = [each for each in listed if each["path"].rpartition("/")[0] == (folder or "/")[1:]]
            return self._answer(200, inside)
        if what == "paths-info":
            wanted = (
                json.loads(body)["paths"]
                if body.startswith(b"{")
                else re.findall(r"paths=([^&]+)", unquote(body.decode()))
            )
            return self._answer(200, [each for each in listed if each["path"] in wanted])
        if what == "preupload":
            modes = [
                {
                    "path": each["path"],
                    "uploadMode": "lfs" if each["path"].endswith(".safetensors") else "regular",
                    "shouldIgnore": False,
                }
                for each in json.loads(body)["files"]
            ]
            return self._answer(200, {"files": modes})
        assert what == "commit", what
        for line in map(json.loads, body.splitlines()):
            said = line["value"]
            if line["key"] == "file":
                files[said["path"]] = base64.b64decode(said["content"])
            elif line["key"] == "lfsFile":
                files[said["path"]] = self.server.large[said["oid"]]
        return self._answer(200, {"commitUrl": f"{self.server.url}/{name}/commit/{'1' * 40}", "commitOid": "1" * 40})

    def _resolve(self, name: str, revision: str, path: str) -> None:
        repository = self.server.repositories.get(name)
        if repository is None:
            return self._missing("RepoNotFound")
        content = repository.get(revision, {}).get(path)
        if content is None:
            return self._missing("EntryNotFound")
        headers = {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X_Repo_Commit": "0" * 40}
        if match := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(match[1]), min(int(match[2] or len(content) - 1), len(content) - 1)
            headers["Content_Range"] = f"bytes {first}-{last}/{len(content)}"
            return self._answer(206, content[first : last + 1], **headers)
        return self._answer(200, content, **headers)
