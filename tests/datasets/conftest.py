import gzip
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest


class FileServer:
    """Loopback server of a dictionary of files, which notes what was asked for."""

    def __init__(self):
        self.files = {}
        self.requested = []
        self.missing_bytes = 0  # announced in Content-Length, but never sent
        outer = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self):
                outer.requested.append(self.path)
                if self.path not in outer.files:
                    self.send_error(404)
                    return
                content = outer.files[self.path]
                self.send_response(200)
                self.send_header("Content-Length", str(len(content) + outer.missing_bytes))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args):
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.daemon = True
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def publish(self, remote, content):
        self.files[f"/{remote.repository}/{remote.commit}/{remote.path}"] = content

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)


@pytest.fixture
def server(monkeypatch):
    """Server that takes the place of the public host."""
    server = FileServer()
    monkeypatch.setenv("SKXRD_DATA_MIRROR", server.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def xrdmatch_csv(shared_data):
    return gzip.decompress((shared_data / "xrdmatch" / "labelled.csv.gz").read_bytes())


@pytest.fixture(scope="session")
def obelix_files(shared_data):
    folder = shared_data / "obelix"
    return (folder / "train.csv").read_bytes(), (folder / "train_cifs.tar.gz").read_bytes()
