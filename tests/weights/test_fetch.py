"""Published weights through a local HTTP server: a good one, a broken one, a slow one, and files that are wrong."""

from __future__ import annotations

import json
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from minieqt.errors import UserError
from minieqt.model import EQTransformer
from minieqt.weights import load_weights, locate, open_weights, save_weights
from minieqt.weights.fetch import CACHE, cache_folder, checksum, fetch, is_here
from minieqt.weights.published import PUBLISHED, Published, Remote


class Server(ThreadingHTTPServer):
    """Serves `files`, {path: bytes}; `broken` cuts them in the middle, `silence` says nothing for so many seconds."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.asked = {}, []
        self.broken, self.silence = False, 0.0

    def address(self, path):
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path not in self.server.files:
            return self.send_error(404)
        contents = self.server.files[self.path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(contents)))
        self.end_headers()
        half = len(contents) // 2
        self.wfile.write(contents[:half])
        self.wfile.flush()
        time.sleep(self.server.silence)
        if not self.server.broken:
            self.wfile.write(contents[half:])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def contents(tmp_path_factory):
    """A weight file's bytes."""
    path = tmp_path_factory.mktemp("net") / "net.h5"
    save_weights(path, EQTransformer(lstm_blocks=1, seed=4, length=256))
    return path.read_bytes()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "weights"


@pytest.fixture
def publish(server, cache, monkeypatch):
    """Publish files under the name "tiny": {file: bytes}, with checksums if they are known."""

    def publish(files, checksums=None, version=None, also=()):
        server.files |= {f"/{name}": contents for name, contents in files.items()}
        remotes = tuple(
            Remote(name, (*also, server.address(f"/{name}")), (checksums or {}).get(name)) for name in files
        )
        monkeypatch.setitem(PUBLISHED, "tiny", Published("tiny", remotes, "", "", "", "", version))

    return publish


def sums(path, contents):
    path.write_bytes(contents)
    return [checksum(path, "sha256:"), checksum(path, "git:")]


def lies_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_checksums(tmp_path):
    """As sha256sum and git hash-object give them."""
    assert sums(tmp_path / "x", b"weights\n") == [
        "sha256:1b465fa6b6bcbc06a3199e3d2d8aec35d37494a712f888b6d5536684dd89d0f0",
        "git:05424f2a4c8a54450a2dcca24ca1f089332afa91",
    ]


def test_fetched_once(server, publish, contents, cache, tmp_path):
    for kind in sums(tmp_path / "net.h5", contents):
        publish({"net.h5": contents}, {"net.h5": kind})
        assert not is_here(PUBLISHED["tiny"])
        for _ in range(2):
            loaded = open_weights("tiny")
            assert loaded.model.config["seed"] == 4 and loaded.path == cache / "tiny" / "net.h5"
        assert is_here(PUBLISHED["tiny"]) and server.asked == ["/net.h5"]
        assert lies_in(cache) == ["fetched.json", "net.h5"] and loaded.path.read_bytes() == contents
        assert [path.name for path in (cache / "tiny").iterdir() if path.is_dir()] == []
        record = json.loads((cache / "tiny" / "fetched.json").read_text())["net.h5"]
        assert record["from"] == server.address("/net.h5") and record["checksum"] == checksum(loaded.path, "sha256:")
        shutil.rmtree(cache)
        server.asked.clear()


def test_seisbench_pair(shared, server, publish, cache):
    """Both files, the second under the address that SeisBench falls back to; the .json tells the normalisation."""
    arrays = (shared / "weights" / "seisbench_pnw.pt").read_bytes()
    told = {"version": "2", "model_args": {"component_order": "ZNE", "norm": "peak"}}
    publish({"pnw.pt.v2": arrays, "pnw.json.v2": json.dumps(told).encode()}, version="2", also=[server.address("/no")])
    loaded = open_weights("tiny")
    assert loaded.model.config["normalisation"] == "peak" and loaded.assumed == {}
    assert server.asked == ["/no", "/pnw.pt.v2", "/no", "/pnw.json.v2"]
    assert lies_in(cache) == ["fetched.json", "pnw.json.v2", "pnw.pt.v2"]
    right = load_weights(shared / "weights" / "seisbench_pnw.pt")
    assert np.array_equal(loaded.model.vector, right.vector)


@pytest.mark.parametrize("told", [b'{"version": "1"}', b"{}", b"[]", b"<html>"])
def test_another_version(publish, contents, cache, told):
    publish({"net.h5": contents, "net.json": told}, version="2")
    with pytest.raises(UserError, match=r"of version 1|no description"):
        load_weights("tiny")
    assert lies_in(cache) == []


def test_broken_in_the_middle(server, publish, contents, cache):
    publish({"net.h5": contents})
    server.broken = True
    with pytest.raises(UserError, match=r"broke in the middle.*/net\.h5 as .*/tiny/net\.h5"):
        load_weights("tiny")
    assert lies_in(cache) == []
    server.broken = False
    load_weights("tiny")


def test_slow(server, publish, contents, cache):
    publish({"net.h5": contents})
    server.silence = 1.0
    with pytest.raises(UserError, match="no answer in time"):
        open_weights("tiny", timeout=0.2)
    assert lies_in(cache) == []
    open_weights("tiny", timeout=20)


def test_not_there(server, publish, contents, cache):
    publish({"net.h5": contents})
    server.files.clear()
    with pytest.raises(UserError, match="the server says 404"):
        load_weights("tiny")
    assert lies_in(cache) == []


def test_no_network(publish, contents, cache):
    """A server without an answer is asked once; the next one may have the file."""
    closed = ["http://127.0.0.1:9/a", "http://127.0.0.1:9/b"]
    publish({"net.h5": contents}, also=closed)
    load_weights("tiny")
    shutil.rmtree(cache)
    publish({"net.h5": contents})
    remote = Remote("net.h5", tuple(closed))
    with pytest.raises(UserError, match=r"no connection.*save http://127\.0\.0\.1:9/a as") as refused:
        fetch(Published("tiny", (remote,), "", "", "", ""), lambda path: None)
    assert "\n" not in str(refused.value) and lies_in(cache) == []


@pytest.mark.parametrize("wrong", [b"", b"<html>Sign in</html>", "half", "changed", "another"])
@pytest.mark.parametrize("known", [True, False])
def test_wrong_contents(publish, contents, cache, tmp_path, wrong, known):
    """With a checksum every change is seen; without, whatever is not the weights of an EQTransformer."""
    right = sums(tmp_path / "net.h5", contents)[0]
    if wrong == "half":
        wrong = contents[: len(contents) // 2]
    elif wrong == "changed":
        wrong = contents[:-1] + bytes([contents[-1] ^ 1])
    elif wrong == "another":
        with (tmp_path / "x.npz").open("wb") as file:
            np.savez(file, a=np.zeros(3))
        wrong = (tmp_path / "x.npz").read_bytes()
    publish({"net.h5": wrong}, {"net.h5": right} if known else None)
    if not known and len(wrong) == len(contents):  # one bit of a weight: nobody can tell
        load_weights("tiny")
        return
    with pytest.raises(UserError, match=r"^http.*not the file it should be" if known else r"^http.*/net\.h5"):
        load_weights("tiny")
    assert lies_in(cache) == []


def test_changed_later(server, publish, contents, cache, tmp_path):
    """What was fetched once may not change: neither in the cache nor, fetched again, on the server."""
    publish({"net.h5": contents})
    path = open_weights("tiny").path
    save_weights(path, EQTransformer(lstm_blocks=1, seed=5, length=256))
    with pytest.raises(UserError, match=r"remove it to fetch it again.* is not the file that was fetched on 20"):
        load_weights("tiny")
    server.files["/net.h5"] = path.read_bytes()
    path.unlink()
    with pytest.raises(UserError, match="is not the file that was fetched on 20"):
        load_weights("tiny")
    assert lies_in(cache) == ["fetched.json"]
    shutil.rmtree(cache)
    assert load_weights("tiny").config["seed"] == 5
    (cache / "tiny" / "fetched.json").write_text("{")
    with pytest.raises(UserError, match="damaged"):
        load_weights("tiny")


def test_put_there_by_hand(server, publish, contents, cache):
    publish({"net.h5": contents})
    (cache / "tiny").mkdir(parents=True)
    (cache / "tiny" / "net.h5").write_bytes(contents[:1000])
    with pytest.raises(UserError, match=r"net\.h5"):
        load_weights("tiny")
    assert lies_in(cache) == ["net.h5"]
    (cache / "tiny" / "net.h5").write_bytes(contents)
    assert load_weights("tiny").config["seed"] == 4 and server.asked == []
    assert json.loads((cache / "tiny" / "fetched.json").read_text())["net.h5"]["from"] == "by hand"


def test_put_into_a_read_only_cache(publish, contents, cache, monkeypatch):
    publish({"net.h5": contents})
    (cache / "tiny").mkdir(parents=True)
    (cache / "tiny" / "net.h5").write_bytes(contents)

    def refuse(path, text):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("minieqt.weights.fetch.write_text", refuse)
    assert load_weights("tiny").config["seed"] == 4
    assert lies_in(cache) == ["net.h5"]


def test_where(monkeypatch, tmp_path, publish, contents):
    monkeypatch.setenv(CACHE, str(tmp_path / "file"))
    (tmp_path / "file").write_text("")
    publish({"net.h5": contents})
    with pytest.raises(UserError, match=f"cannot be written to.*{CACHE}"):
        load_weights("tiny")
    monkeypatch.setenv(CACHE, "~nobody-at-all/cache")
    with pytest.raises(UserError, match="no such home folder"):
        load_weights("tiny")
    monkeypatch.delenv(CACHE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder().is_relative_to(tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as for a user without a home
    with pytest.raises(UserError, match=f"no home folder.*{CACHE}"):
        load_weights("tiny")


def test_a_file_comes_before_a_name(server, publish, contents, tmp_path, monkeypatch):
    publish({"net.h5": contents})
    monkeypatch.chdir(tmp_path)
    save_weights("tiny", EQTransformer(lstm_blocks=1, seed=7, length=256))
    assert load_weights("tiny").config["seed"] == 7 and server.asked == []
    assert locate.locate("tiny", lambda path: None) == (tmp_path / "tiny").relative_to(tmp_path)
