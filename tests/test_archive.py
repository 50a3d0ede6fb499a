"""The archive: every byte that came, the newest of each job, for its owner only, whatever happens to the process."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_classify_nb.archive import Archive
from llama_classify_nb.exceptions import ArchiveError
from llama_classify_nb.memory import MemoryArchive
from llama_classify_nb.records import Answer

CONFIGURATION = b'{"rules": []}'


def answer(job_id: str, text: str = "", *, updated_us: int | None = 0, final: bool = True) -> Answer:
    body = b'{"configuration": ' + CONFIGURATION + f', "id": "{job_id}", "text": "{text}"}}'.encode()
    return Answer.cut(job_id, body, CONFIGURATION, updated_us, final)


@contextlib.contextmanager
def store(kind: str) -> Iterator[Archive | MemoryArchive]:
    """Give one of the two things that a fetch puts answers in."""
    if kind == "memory":
        yield MemoryArchive()
    else:
        with tempfile.TemporaryDirectory() as folder, Archive(Path(folder) / "jobs.db") as archive:
            yield archive


def only(archive: Archive | MemoryArchive, job_id: str = "a") -> bytes:
    (body,) = archive.bodies([job_id])
    return body


@pytest.mark.parametrize("kind", ["file", "memory"])
@settings(max_examples=60)
@given(
    before=st.binary(max_size=30),
    configuration=st.binary(min_size=1, max_size=90),
    after=st.binary(max_size=30),
    repeats=st.integers(0, 2),
)
def test_every_byte_comes_back(kind: str, before: bytes, configuration: bytes, after: bytes, repeats: int) -> None:
    body = before + configuration * (repeats + 1) + after
    with store(kind) as archive:
        archive.put([Answer.cut("a", body, configuration, None, True)])
        assert only(archive) == body


def test_answers_come_back_in_the_order_asked_for(tmp_path: Path) -> None:
    ids = [f"job-{i}" for i in range(1_203)]
    with Archive(tmp_path / "jobs.db") as archive:
        archive.put(map(answer, ids))
        assert len(archive) == 1_203
        assert archive.ids() == ids
        backwards = ids[::-1]
        assert list(archive.bodies([*backwards, "nobody"])) == [answer(one).body for one in backwards]


@pytest.mark.parametrize("kind", ["file", "memory"])
@pytest.mark.parametrize(
    ("old", "new", "wins"),
    [
        ((1, True), (2, True), "new"),
        ((2, True), (1, True), "old"),
        ((1, True), (1, True), "new"),
        ((1, True), (1, False), "old"),
        ((1, False), (1, True), "new"),
        ((1, True), (2, False), "new"),
        ((2, False), (1, True), "old"),
        ((None, False), (None, True), "new"),
        ((None, True), (None, False), "old"),
        ((5, False), (None, True), "new"),
        ((None, True), (5, False), "old"),
    ],
)
def test_the_newest_wins(kind: str, old: tuple[int | None, bool], new: tuple[int | None, bool], wins: str) -> None:
    with store(kind) as archive:
        archive.put([answer("a", "old", updated_us=old[0], final=old[1])])
        archive.put([answer("a", "new", updated_us=new[0], final=new[1])])
        assert wins.encode() in only(archive)
        assert archive.states(["a", "b"]) == {"a": (old if wins == "old" else new)[1]}


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_a_page_is_kept_whole_or_not_at_all(kind: str) -> None:
    def spoiled() -> Iterator[Answer]:
        yield answer("a")
        yield Answer.cut("b", b"no configuration in here", CONFIGURATION, None, True)

    with store(kind) as archive:
        with pytest.raises(ValueError, match="not found"):
            archive.put(spoiled())
        assert len(archive) == 0
        assert archive.ids() == []


def test_single_answers_share_a_bundle(tmp_path: Path) -> None:
    with Archive(tmp_path / "jobs.db") as archive:
        for number in range(120):
            archive.put([answer(f"job-{number}")])
        assert list(archive.bodies(archive.ids())) == [answer(f"job-{number}").body for number in range(120)]
    with contextlib.closing(sqlite3.connect(tmp_path / "jobs.db")) as database:
        assert database.execute("SELECT n_answers FROM bundles").fetchall() == [(50,), (50,), (20,)]


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_blocks_hold_each_answer_on_a_line(kind: str) -> None:
    ids = [f"job-{i}" for i in range(260)]
    with store(kind) as archive:
        archive.put(map(answer, ids))
        archive.put([answer("job-7", "again"), answer("job-130", "on\ntwo\r\nlines", updated_us=1)])
        lines = b"\n".join(archive.blocks([*ids[100:], "nobody", "job-7"])).split(b"\n")
    wanted = [answer(one).body for one in ids[100:] if one != "job-130"]
    wanted += [answer("job-7", "again").body, answer("job-130", "on two  lines").body]
    assert sorted(lines) == sorted(wanted)


def test_the_order_is_that_of_arrival(tmp_path: Path) -> None:
    with Archive(tmp_path / "jobs.db") as archive:
        archive.put(map(answer, "abc"))
        archive.put([answer("d"), answer("a", "newer", updated_us=1), answer("b", "older", updated_us=-1)])
        assert archive.ids() == ["b", "c", "d", "a"]
        assert [one.job_id for one in archive.all_answers()] == archive.ids()
        seen: list[str] = []
        assert b"older" not in b"".join(archive.all_blocks(seen))
        assert seen == archive.ids()
        archive.compact()
        assert archive.ids() == seen


def test_the_file_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        with Archive(tmp_path / "jobs.db") as archive:
            archive.put([answer("a")])
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(umask)
    assert modes
    assert set(modes.values()) == {0o600}, modes


def test_another_process_reads_while_one_writes(tmp_path: Path) -> None:
    with Archive(tmp_path / "jobs.db", service="s") as writing, Archive(tmp_path / "jobs.db") as reading:
        writing.put([answer("a")])
        assert only(reading) == answer("a").body


class TestRefusals:
    def test_a_link_is_never_followed(self, tmp_path: Path) -> None:
        Archive(tmp_path / "jobs.db").close()
        (tmp_path / "soft.db").symlink_to(tmp_path / "jobs.db")
        (tmp_path / "nowhere.db").symlink_to(tmp_path / "victim")
        for name in ("soft.db", "nowhere.db"):
            with pytest.raises(ArchiveError, match=rf"{name}: a link"):
                Archive(tmp_path / name)
        assert not (tmp_path / "victim").exists()
        (tmp_path / "hard.db").hardlink_to(tmp_path / "jobs.db")
        with pytest.raises(ArchiveError, match=r"hard\.db: a link"):
            Archive(tmp_path / "hard.db")

    def test_what_is_no_archive_is_left_as_it_is(self, tmp_path: Path) -> None:
        text, foreign = tmp_path / "notes.txt", tmp_path / "foreign.db"
        text.write_text("my notes, more than sixteen characters")
        database = sqlite3.connect(foreign)
        database.execute("CREATE TABLE mine (x)")
        database.close()
        before = foreign.read_bytes()
        for path in (text, foreign, tmp_path):
            with pytest.raises(ArchiveError, match=path.name):
                Archive(path)
        os.mkfifo(tmp_path / "fifo")
        with pytest.raises(ArchiveError, match="not a file"):
            Archive(tmp_path / "fifo")
        assert text.read_text().startswith("my notes")
        assert foreign.read_bytes() == before

    def test_a_folder_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ArchiveError, match=r"nowhere/jobs\.db: can't be made"):
            Archive(tmp_path / "nowhere" / "jobs.db")

    def test_a_newer_version_is_left_alone(self, tmp_path: Path) -> None:
        Archive(tmp_path / "jobs.db").close()
        database = sqlite3.connect(tmp_path / "jobs.db")
        database.execute("PRAGMA user_version = 99")
        database.close()
        with pytest.raises(ArchiveError, match="newer version"):
            Archive(tmp_path / "jobs.db")

    def test_one_archive_holds_jobs_of_one_service(self, tmp_path: Path) -> None:
        Archive(tmp_path / "jobs.db", service="https://a").close()
        Archive(tmp_path / "jobs.db", service="https://a").close()
        Archive(tmp_path / "jobs.db").close()
        with pytest.raises(ArchiveError, match="holds jobs of https://a, and this client reads https://b"):
            Archive(tmp_path / "jobs.db", service="https://b")

    def test_a_full_disk_is_said_and_what_was_stored_stays(self, tmp_path: Path) -> None:
        script = """
import resource, signal, sys
from llama_classify_nb.archive import Archive
from llama_classify_nb.exceptions import ArchiveError
from llama_classify_nb.records import Answer
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
archive = Archive(sys.argv[1])
archive.put([Answer.cut("first", b"{configuration}", b"configuration", None, True)])
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
try:
    for n in range(1000):
        body = b"{configuration}" + b"x" * 5_000
        archive.put([Answer.cut(f"{n}-{i}", body, b"configuration", None, True) for i in range(10)])
        stored = n
except ArchiveError as error:
    print(stored, error)
"""
        ran = subprocess.run(
            [sys.executable, "-c", script, tmp_path / "jobs.db"], capture_output=True, text=True, check=True
        )
        stored, message = ran.stdout.split(" ", 1)
        assert "jobs.db" in message
        assert "what was stored before is kept" in message
        with Archive(tmp_path / "jobs.db") as archive:
            assert len(archive) == 1 + 10 * (int(stored) + 1)


@pytest.mark.parametrize("n_pages", [1, 7, 40])
def test_a_killed_process_loses_nothing_that_it_reported_as_stored(tmp_path: Path, n_pages: int) -> None:
    script = """
import itertools, sys
from llama_classify_nb.archive import Archive
from llama_classify_nb.records import Answer
archive = Archive(sys.argv[1])
for n in itertools.count():
    archive.put([Answer.cut(f"{n}-{i}", b'{"c": 1, "n": %d}' % n, b'"c": 1', n, True) for i in range(20)])
    print(n, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", script, tmp_path / "jobs.db"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        reported = [int(process.stdout.readline()) for _ in range(n_pages)]
        process.send_signal(signal.SIGKILL)
        reported += [int(line) for line in process.stdout.read().split()]
    with Archive(tmp_path / "jobs.db") as archive:
        ids = archive.ids()
        assert len(ids) == len(set(ids))
        assert len(ids) % 20 == 0
        assert {f"{n}-{i}" for n in reported for i in range(20)} <= set(ids)
        assert list(archive.bodies(ids)) == [b'{"c": 1, "n": %d}' % int(one.split("-")[0]) for one in ids]


def test_two_processes_may_make_the_same_archive_at_once(tmp_path: Path) -> None:
    script = """
import sys
from llama_classify_nb.archive import Archive
from llama_classify_nb.records import Answer
sys.stdin.readline()
archive = Archive(sys.argv[1], service="s")
for n in range(20):
    archive.put([Answer.cut(f"{sys.argv[2]}-{n}", b"{c}", b"c", n, True)])
"""
    command = [sys.executable, "-c", script, str(tmp_path / "jobs.db")]
    processes = [subprocess.Popen([*command, name], stdin=subprocess.PIPE, text=True) for name in ("one", "two")]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.close()
    assert [process.wait(60) for process in processes] == [0, 0]
    with Archive(tmp_path / "jobs.db") as archive:
        assert len(archive) == 40


def test_many_may_make_the_same_archive_at_the_same_moment(tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def make(path: Path, name: str) -> None:
        barrier.wait(10)
        try:
            with Archive(path, service="s") as archive:
                archive.put([answer(name)])
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            errors.append(error)

    for turn in range(25):
        barrier = threading.Barrier(6)
        path = tmp_path / f"{turn}.db"
        threads = [threading.Thread(target=make, args=(path, f"job-{i}")) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors
        with Archive(path) as archive:
            assert len(archive) == 6
