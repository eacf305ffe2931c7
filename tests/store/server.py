"""A web server on the loopback that misbehaves as it is told."""

import socket
import ssl
import struct
import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(frozen=True)
class Reply:
    """How one request is answered. What is not said is done right."""

    status: int = 200
    body: bytes | None = None  # other bytes than the file's
    headers: dict[str, str] = field(default_factory=dict)
    ranges: str = "right"  # or "ignored", "refused" (416), "unlabelled", "elsewhere" (told so), "lied" (not told)
    drop_after: int | None = None  # bytes of the body, then the connection is closed
    reset: bool = False  # …and not in the orderly way
    stall_after: int | None = None  # bytes of the body, then nothing; -1 for not even a status line
    pause: float = 0.0  # seconds between two pieces of 16 KiB
    length: bool = True  # whether the size is told; without, the end of the connection is the end of the file


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    start: int | None  # of the Range header
    headers: dict[str, str]


class Server(ThreadingHTTPServer):
    """Serves `files` (by path, with the leading slash); `replies` are used up one a request, then `otherwise`."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, certificate: str | None = None, key: str | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scheme = "http"
        if certificate:
            self.scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.files: dict[str, bytes] = {}
        self.replies: deque[Reply] = deque()
        self.otherwise = Reply()
        self.requests: list[Request] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def reset(self) -> None:
        self.files.clear()
        self.replies.clear()
        self.requests.clear()
        self.otherwise = Reply()

    @property
    def starts(self) -> list[int | None]:
        """From which byte on each request so far wanted the file."""
        return [request.start for request in self.requests]

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news here."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        server = self.server
        told = self.headers.get("Range")
        start = int(told.removeprefix("bytes=").rstrip("-")) if told else None
        server.requests.append(Request(self.command, self.path, start, dict(self.headers)))
        reply = server.replies.popleft() if server.replies else server.otherwise
        content = server.files.get(self.path.partition("?")[0]) if reply.body is None else reply.body
        if content is None:
            reply, content = replace(reply, status=404), b"no such file"
        if reply.stall_after == -1:
            server.closing.wait(60)
            return
        status, first, headers = reply.status, 0, dict(reply.headers)
        unchanged = self.headers.get("If-Range") in (None, headers.get("ETag"))
        if status == 200 and start is not None and unchanged and reply.ranges != "ignored":
            status, first = 206, start
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            if reply.ranges == "refused" or start >= len(content):
                status, first = 416, len(content)
                headers["Content-Range"] = f"bytes */{len(content)}"
            elif reply.ranges == "unlabelled":
                del headers["Content-Range"]
            elif reply.ranges == "elsewhere":
                first = start // 2
                headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
            elif reply.ranges == "lied":
                content = content[:start] + content[: len(content) - start]
        self.send_response(status)
        if reply.length:
            headers.setdefault("Content-Length", str(len(content) - first))
        else:
            headers["Connection"] = "close"
            self.close_connection = True
        for key, value in {"Accept-Ranges": "bytes", **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self._send(content[first:], reply)

    def _send(self, content: bytes, reply: Reply) -> None:
        end = next((at for at in (reply.drop_after, reply.stall_after) if at is not None), len(content))
        for at in range(0, min(end, len(content)), 2**14):
            self.wfile.write(content[at : min(at + 2**14, end)])
            if reply.pause:
                time.sleep(reply.pause)
        if reply.stall_after is not None:
            self.server.closing.wait(60)
        if reply.drop_after is not None:
            self.close_connection = True
            if reply.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
