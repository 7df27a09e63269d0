"""A local HTTP server that serves a folder, honours Range, and fails on request."""

import threading
from collections import defaultdict
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = Path(self.path).name
        asked = self.headers.get("Range")
        self.server.log[name].append(asked)
        fault = self.server.fault(name)
        path = self.server.folder / name
        if fault == "refuse":
            self.close_connection = True
            return
        if fault == "missing" or not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        if fault == "corrupt":
            content = content[:100] + bytes([content[100] ^ 1]) + content[101:]
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        ranged = bool(asked) and fault != "no range"
        if ranged and start >= len(content):
            self.send_error(416)
            return
        body = content[start:] if ranged else content
        self.send_response(206 if ranged else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if fault == "truncate" else body)
        self.close_connection = True

    def log_message(self, *args):
        pass


class FaultyServer(ThreadingHTTPServer):
    """`faults[name]` lists what goes wrong, request by request; the last entry stays."""

    def __init__(self, folder: Path):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.faults: dict[str, list[str]] = {}
        self.log = defaultdict(list)  # name -> the Range header of every request
        self.url = f"http://127.0.0.1:{self.server_port}"

    def fault(self, name: str) -> str:
        listed = self.faults.get(name, [""])
        return listed.pop(0) if len(listed) > 1 else listed[0]


@contextmanager
def serving(folder: Path):
    server = FaultyServer(folder)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
