"""Whatever goes wrong, and whatever is logged, printed, pickled or written: no byte of it holds the key."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pandas as pd
import pytest

import llama_classify_nb as lcn
from llama_classify_nb.archive import Archive
from llama_classify_nb.demo import DemoServer, faults, sample_jobs
from llama_classify_nb.exceptions import InvalidAnswerError, NotFoundError, TransportError

JOBS = [line for line in sample_jobs() if b'"COMPLETED"' in line][:15]
LIST_OFF = faults.status(405, call="list")
PLANS: dict[str, list[faults.Fault]] = {
    "nothing": [],
    "no list": [LIST_OFF],
    "refused key": [faults.status(401)],
    "revoked key": [LIST_OFF, faults.status(401, after=10)],
    "no credits": [faults.status(402)],
    "forbidden": [faults.status(403)],
    "limiter": [LIST_OFF, faults.limiter(faults.TokenBucket(40, 5), retry_after=True)],
    "long wait": [faults.status(429, retry_after=7_200)],
    "errors": [LIST_OFF, faults.status([500, 502, 503, 520], share=0.5)],
    "always an error": [faults.status(500)],
    "reset": [LIST_OFF, faults.reset("before", share=0.3), faults.reset("body", share=0.3)],
    "hang": [LIST_OFF, faults.hang("before", share=0.2), faults.hang("body", share=0.2)],
    "drip": [LIST_OFF, faults.drip("body", every_s=0.05, share=0.3), faults.drip("head", every_s=0.05, share=0.3)],
    "broken": [
        LIST_OFF,
        faults.broken(["bad_status_line", "two_lengths", "big_header", "truncated", "false_gzip"], share=0.7),
    ],
    "odd": [faults.odd(["early_hints", "http10", "cookies", "utf16"])],
    "not the answer": [
        LIST_OFF,
        faults.answer(["html", "half", "empty", "other_job", "nested", "bad_utf8"], share=0.7),
    ],
    "sign-in page": [faults.answer("html")],
    "redirect": [faults.redirect("http://127.0.0.1:9"), LIST_OFF],
    "list in circles": [faults.listing("self_token")],
}
SCRIPT = """
import concurrent.futures, logging, pickle, sys, traceback
logging.basicConfig(level=logging.DEBUG)
for name in ("httpx", "httpcore", "asyncio", "llama_classify_nb"):
    logging.getLogger(name).setLevel(logging.DEBUG)
import llama_classify_nb as lcn

def show(thing):
    print(repr(thing), str(thing), getattr(thing, "__dict__", None))
    if isinstance(thing, BaseException):
        print("".join(traceback.TracebackException.from_exception(thing, capture_locals=True).format()))
    try:
        with open(f"{id(thing)}.pickle", "wb") as file:
            pickle.dump(thing, file)
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        show_plainly(error)

def show_plainly(error):
    print("".join(traceback.TracebackException.from_exception(error, capture_locals=True).format()))

def go(n, url, ids):
    client = lcn.Client(open(f"{n}.key").read(), base_url=url, timeout=0.2)
    show(client)
    for ask in (lambda: client.get_job(ids[0]), lambda: client.list_jobs(job_ids=ids)):
        try:
            ask()
        except Exception as error:
            show(error)
    for asked in ([*ids, "nobody", "../escape"], None):
        jobset = lcn.fetch_jobs(asked, client=client, archive=f"{n}.db", time_budget_s=0.3)
        show(jobset)
        print(jobset.notes, jobset.problems.to_csv())

lines = open("plans.txt").read().splitlines()
with concurrent.futures.ThreadPoolExecutor(len(lines)) as pool:
    for one in [pool.submit(go, n, *line.split()[:1], line.split()[1:]) for n, line in enumerate(lines)]:
        one.result()
"""


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[list[DemoServer]]:
    """Serve every plan, and leave what the script needs in a folder."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(lcn.demo_server(JOBS, faults=plan)) for plan in PLANS.values()]
        (folder / "plans.txt").write_text("\n".join(" ".join([one.base_url, *one.job_ids]) for one in servers))
        for n, server in enumerate(servers):
            (folder / f"{n}.key").write_text(server.api_key)
        yield servers


def disguises(key: str) -> Iterator[bytes]:
    """Give the key as it may stand in a text: plain, in hex, in base64 at any place, backwards, in wide characters."""
    yield from (key.encode(), key[::-1].encode(), key.encode().hex().encode(), key.encode("utf-16-le"))
    yield quote(key, safe="").encode()
    yield json.dumps(key)[1:-1].encode()
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b" " * before + key.encode())[4 if before else 0 : -4]


def test_no_byte_that_a_process_writes_holds_the_key_whatever_goes_wrong(tmp_path: Path) -> None:
    with serving(tmp_path) as servers:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONFAULTHANDLER": "1"}
        environment.pop("COVERAGE_PROCESS_START", None)
        ran = subprocess.run(
            [sys.executable, "-c", SCRIPT], cwd=tmp_path, env=environment, capture_output=True, timeout=100
        )
        keys = [server.api_key for server in servers]
        assert ran.returncode == 0, ran.stderr[-2_000:]
        assert all(server.n_requests for server in servers)
    for n in range(len(keys)):
        (tmp_path / f"{n}.key").unlink()
    written = {str(file.relative_to(tmp_path)): file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    for n in range(len(keys)):
        with Archive(tmp_path / f"{n}.db") as archive:
            written[f"answers of {n}.db"] = b"".join(archive.all_blocks([]))
    written |= {"standard output": ran.stdout, "standard error": ran.stderr}
    assert b"receive_response_headers.complete" in ran.stderr  # httpcore's own log was on
    assert b"get_job" in ran.stdout  # the variables of our frames were shown
    assert sum(name.endswith(".pickle") for name in written) > 10
    found = [
        (name, key)
        for name, content in written.items()
        for key in keys
        if any(one in content for one in disguises(key))
    ]
    assert found == []


def test_the_key_would_be_found_in_each_disguise() -> None:
    key = "llx-demo-a/b+c=d~e"
    for text in (key, f"Bearer {key}", f" {key}", f"  {key} "):
        shown = [text.encode(), base64.b64encode(text.encode()), text.encode().hex().encode(), text.encode("utf-16-le")]
        assert all(any(one in place for one in disguises(key)) for place in shown)


def test_a_key_that_a_server_quotes_in_its_answers_is_kept_nowhere(tmp_path: Path) -> None:
    key = "llx-quoted-by-the-server-0123456789"
    raw = {job["id"]: job for job in map(json.loads, JOBS)}
    odd: dict[str, str] = {}

    async def serve(request: httpx.Request) -> httpx.Response:
        job_id = request.url.path.rsplit("/", 1)[1]
        if job_id not in raw:
            return httpx.Response(405)
        said = request.headers["authorization"]
        result = {**raw[job_id]["result"], "reasoning": f"asked with {said}"}
        return httpx.Response(200, json={**raw[job_id], "result": result, "debug": [said], **odd})

    client = lcn.Client(key, base_url="http://127.0.0.1:1", transport=httpx.MockTransport(serve))
    jobset = lcn.fetch_jobs(list(raw), client=client, archive=tmp_path / "jobs.db", progress=False)
    assert len(jobset) == len(raw)
    with Archive(tmp_path / "jobs.db") as archive:
        kept = archive.export(tmp_path / "jobs.jsonl").read_text()
    told = kept + jobset.jobs.to_csv() + jobset.problems.to_csv()
    assert "asked with Bearer [the key]" in kept
    assert key not in told
    odd["status"] = f"Bearer {key}"
    with pytest.raises(InvalidAnswerError, match=r"status is 'Bearer \[the key\]'"):
        client.get_job(next(iter(raw)))


class Quoting(http.server.BaseHTTPRequestHandler):
    """Quotes the key in the head of its answers, lawfully and not."""

    def do_GET(self) -> None:
        said = self.headers["authorization"].encode()
        lawful = b"HTTP/1.1 404 Not " + said + b"\r\nx-debug: " + said + b"\r\ncontent-length: 0\r\n\r\n"
        self.wfile.write(lawful if self.path.endswith("lawful") else b"HTTP/1.1 " + said + b"\r\n\r\n")

    def log_message(self, *_: object) -> None:
        pass


def test_a_key_that_a_server_quotes_in_the_head_of_an_answer_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    key = "llx-quoted-by-the-server-0123456789"
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quoting) as server, caplog.at_level(logging.DEBUG):
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        client = lcn.Client(key, base_url=f"http://127.0.0.1:{server.server_port}")
        for job_id, error in (("lawful", NotFoundError), ("lawless", TransportError)):
            with pytest.raises(error):
                client.get_job(job_id)
        server.shutdown()
        thread.join()
    assert "receive_response_headers.complete" in caplog.text
    assert "receive_response_headers.failed" in caplog.text
    assert caplog.text.count("Bearer [the key]") >= 3
    assert key not in caplog.text
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("httpcore.http11").debug("of %s", key)  # what others tell there is none of our business
    assert f"of {key}" in caplog.text


def test_a_key_that_is_a_word_takes_no_word_out_of_an_answer() -> None:
    with lcn.demo_server(JOBS) as server:
        expected = lcn.fetch_jobs(
            server.job_ids, client=lcn.Client(server.api_key, base_url=server.base_url), progress=False
        )

    async def serve(request: httpx.Request) -> httpx.Response:
        job_id = request.url.path.rsplit("/", 1)[1]
        found = [line for line in JOBS if json.loads(line)["id"] == job_id]
        return httpx.Response(200, content=found[0]) if found else httpx.Response(405)

    client = lcn.Client("document", base_url="http://127.0.0.1:1", transport=httpx.MockTransport(serve))
    jobset = lcn.fetch_jobs(expected.jobs["job_id"], client=client, progress=False)
    assert any(b"document" in line for line in JOBS)
    pd.testing.assert_frame_equal(jobset.jobs, expected.jobs)
    pd.testing.assert_frame_equal(jobset.rules, expected.rules)
