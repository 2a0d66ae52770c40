"""A real S3 server on loopback, moto's, behind a proxy that fails one request in ten."""

from __future__ import annotations

import csv
import http.client
import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import digit_png, make_tree, run_digitsort
from tests.workers.test_cluster import children, cmdline, running_scheduler, worker

pytestmark = pytest.mark.slow

SECRET = "wJalrXUtnFEMI/K7MDENG"
COUNT = 120


class Proxy(ThreadingHTTPServer):
    """Forwards requests; of ten, one is answered 503, one is cut and one is slow."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behind = (host, port)
        self.numbers = itertools.count(1)
        self.failed = 0
        self.killer: Killer | None = None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def do_GET(self) -> None:
        number = next(self.server.numbers)
        if self.server.killer is not None:
            self.server.killer.note(self.path)
        if number % 20 == 5:
            self.server.failed += 1
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if number % 20 == 15:
            self.server.failed += 1
            self.close_connection = True
            self.connection.close()
            return
        if number % 10 == 3:
            time.sleep(0.5)
        behind = http.client.HTTPConnection(*self.server.behind)
        behind.request(self.command, self.path, headers=dict(self.headers))
        answer = behind.getresponse()
        data = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in (
                "connection",
                "transfer-encoding",
                "content-length",
                "server",
                "date",
            ):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, int]]:
    server_module = pytest.importorskip("moto.server")
    pytest.importorskip("s3fs")
    moto = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    yield moto.get_host_and_port()
    moto.stop()


@pytest.fixture
def proxy(server: tuple[str, int]) -> Iterator[Proxy]:
    proxy = Proxy(*server)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    yield proxy
    proxy.shutdown()
    proxy.server_close()


def environment(port: int, state: Path) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "DIGITSORT_STATE": str(state),
    }


def fill(port: int, files: dict[str, bytes], bucket: str = "bucket") -> None:
    boto3 = pytest.importorskip("boto3")
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="testing",
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
    )
    client.create_bucket(Bucket=bucket)
    for name, data in files.items():
        client.put_object(Bucket=bucket, Key=name, Body=data)


def test_a_bucket_behind_a_bad_network(
    tmp_path: Path, server: tuple[str, int], proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table of a local copy, from workers and from Dask; credentials are nowhere."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    files = {f"scans/{n % 3}/{n}.png": digit_png(n % 10, example=n // 10) for n in range(COUNT)}
    files["scans/odd & ü #1.png"] = digit_png(1)
    fill(server[1], files)
    make_tree(tmp_path / "copy", files)
    state = tmp_path / "state"
    env = environment(proxy.server_address[1], state)
    local = run_digitsort("classify", tmp_path / "copy" / "scans", "-o", tmp_path / "here.csv", env=env)
    assert local.returncode == 0
    here = (tmp_path / "here.csv").read_text()
    tables = {"two.csv": ["--workers", "2"], "none.csv": ["--workers", "0"]}
    tables["dask.csv"] = ["--dask", "local", "--workers", "2"]
    for name, words in tables.items():
        done = run_digitsort("classify", "s3://bucket/scans", "-o", tmp_path / name, *words, env=env)
        assert done.returncode == 0, done.stderr
        there = (tmp_path / name).read_text()
        assert there.replace("s3://bucket/scans/", "copy/scans/") == here
        assert SECRET not in there + done.stdout + done.stderr
    assert proxy.failed > COUNT / 10
    with (tmp_path / "two.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == COUNT + 1
    for path in state.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()

    nobody = {name: "" for name in env if name.startswith("AWS_") and "KEY" in name}
    nobody |= {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path), "AWS_PROFILE": ""}
    for name in nobody:
        env.pop(name, None)
    env |= {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)}
    done = run_digitsort("classify", "s3://bucket/scans", "-o", tmp_path / "not.csv", env=env)
    assert (done.returncode, "needs credentials" in done.stderr) == (7, True), done.stderr
    assert not (tmp_path / "not.csv").exists()


class Killer:
    """Kills the worker of each nanny once, as soon as so many pictures were asked for."""

    def __init__(self, nannies: Sequence[int], at_requests: Sequence[int]) -> None:
        self._due = list(zip(at_requests, nannies, strict=True))
        self._count = 0
        self._lock = threading.Lock()
        self.killed: list[int] = []

    def note(self, path: str) -> None:
        """Count a request."""
        with self._lock:
            self._count += path.endswith(".png")
            while self._due and self._count >= self._due[0][0]:
                for child in children(self._due.pop(0)[1]):
                    if "spawn_main" in cmdline(child) or "forkserver" in cmdline(child):
                        os.kill(child, signal.SIGKILL)
                        self.killed.append(child)


@pytest.fixture
def strict_scheduler(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a scheduler that repeats no task whose worker died, as that of `--dask local`."""
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    yield from running_scheduler()


def test_two_dask_workers_die_with_the_pictures_of_a_bucket(
    tmp_path: Path,
    server: tuple[str, int],
    proxy: Proxy,
    strict_scheduler: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of the two workers is killed while it reads; the table is that of the local copy."""
    files = {f"scans/{n % 3}/{n}.png": digit_png(n % 10, example=n // 10) for n in range(COUNT)}
    files["scans/0/broken.png"] = digit_png(5)[:60]
    fill(server[1], files, "mortal")
    make_tree(tmp_path / "copy", files)
    env = environment(proxy.server_address[1], tmp_path / "state")
    local = run_digitsort("classify", tmp_path / "copy" / "scans", "-o", tmp_path / "here.csv", env=env)
    assert local.returncode == 1, local.stderr  # the broken one
    for name, text in env.items():
        monkeypatch.setenv(name, text)  # of the workers too
    with worker(strict_scheduler, "--nanny") as one, worker(strict_scheduler, "--nanny") as other:
        proxy.killer = Killer([one.pid, other.pid], [COUNT // 4, COUNT // 2])
        there = tmp_path / "there.csv"
        done = run_digitsort("classify", "s3://mortal/scans", "-o", there, "--dask", strict_scheduler)
    assert (done.returncode, len(set(proxy.killer.killed))) == (1, 2), done.stderr
    expected = (tmp_path / "here.csv").read_bytes()
    assert there.read_bytes().replace(b"s3://mortal/scans/", b"copy/scans/") == expected
