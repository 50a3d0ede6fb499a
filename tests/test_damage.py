"""Damaged archives (row 50 of the faults): what is whole is kept, the rest asked for again, and nothing is deleted."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import llama_classify_nb as lcn
from llama_classify_nb import salvage
from llama_classify_nb.archive import Archive
from llama_classify_nb.demo import DemoServer, sample_jobs
from llama_classify_nb.exceptions import ArchiveError, DamagedArchiveError
from llama_classify_nb.records import BUNDLE_ANSWERS
from llama_classify_nb.rescue import rescue

BODIES = {json.loads(line)["id"]: line for line in sample_jobs() if json.loads(line)["status"] == "COMPLETED"}
IDS = list(BODIES)[:600]


@pytest.fixture(scope="module")
def service() -> Iterator[DemoServer]:
    with lcn.demo_server([BODIES[job_id] for job_id in IDS]) as server:
        yield server


@pytest.fixture(scope="module")
def whole(service: DemoServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "jobs.db"
    fetch(service, path)
    with Archive(path) as archive:
        archive.compact()
    return path


def fetch(server: DemoServer, path: Path) -> lcn.JobSet:
    return lcn.fetch_jobs(
        IDS, client=lcn.Client(server.api_key, base_url=server.base_url), archive=path, progress=False
    )


def assert_made_whole(server: DemoServer, path: Path) -> lcn.JobSet:
    """A fetch ends with every job, each as the service gave it, and the damaged file beside it if it was replaced."""
    damaged = path.read_bytes() if path.exists() else b""
    jobset = fetch(server, path)
    assert jobset.jobs["job_id"].tolist() == IDS
    assert jobset.problems.empty
    with Archive(path) as archive:
        assert sorted(archive.ids()) == sorted(IDS)
        assert list(archive.bodies(IDS)) == [BODIES[job_id] for job_id in IDS]
    for aside in path.parent.glob("*.damaged-*"):
        if not aside.name.endswith(("-wal", "-shm")):
            assert aside.read_bytes()[:16] == damaged[:16]
    return jobset


def test_flipped_bits_cost_only_what_they_hit(service: DemoServer, whole: Path, tmp_path: Path) -> None:
    chance = random.Random(50)
    data = whole.read_bytes()
    n_found = 0
    for turn in range(200):
        folder = tmp_path / str(turn)
        folder.mkdir()
        spoiled = bytearray(data)
        place = chance.randrange(len(data))
        spoiled[place] ^= 1 << chance.randrange(8)
        path = folder / "jobs.db"
        path.write_bytes(spoiled)
        found = {answer.job_id: answer.body for answer in salvage.whole_answers(path)}
        assert all(BODIES[job_id] == body for job_id, body in found.items())
        # One bit spoils one bundle, or the way to one; the header of a page leads to all of them, and is read anew.
        assert len(found) >= len(IDS) - BUNDLE_ANSWERS, place
        if turn % 8 == 0:
            n_before = service.n_requests
            jobset = assert_made_whole(service, path)
            assert service.n_requests - n_before <= 1
            n_found += any("damaged" in note for note in jobset.notes)
        shutil.rmtree(folder)
    assert n_found  # else nothing was tried


def test_a_sector_of_zeros_costs_what_stood_in_it(service: DemoServer, whole: Path, tmp_path: Path) -> None:
    data = whole.read_bytes()
    for place in range(0, len(data), 512 * 7):
        path = tmp_path / f"{place}.db"
        path.write_bytes(data[:place] + bytes(512) + data[place + 512 :])
        found = {answer.job_id: answer.body for answer in salvage.whole_answers(path)}
        assert all(BODIES[job_id] == body for job_id, body in found.items())
        if place % 16_384:
            assert len(found) >= len(IDS) - 2 * BUNDLE_ANSWERS
    assert_made_whole(service, path)


def test_a_log_that_is_cut_anywhere_leaves_whole_answers(service: DemoServer, tmp_path: Path) -> None:
    source = tmp_path / "source.db"
    with Archive(source, service="loopback") as archive:
        client = lcn.Client(service.api_key, base_url=service.base_url)
        lcn.fetch_jobs(IDS, client=client, archive=source, progress=False)
        data, log = source.read_bytes(), source.with_name("source.db-wal").read_bytes()
        assert len(archive) == len(IDS)
    assert len(log) > 50_000
    counts = []
    for number, cut in enumerate(range(0, len(log), 512 * 3)):  # several in each page that was logged, here and there
        path = tmp_path / f"{cut}.db"
        path.write_bytes(data)
        path.with_name(f"{cut}.db-wal").write_bytes(log[:cut])
        with Archive(path) as archive:
            counts.append(len(archive))
            assert list(archive.bodies(archive.ids())) == [BODIES[job_id] for job_id in archive.ids()]
        if number % 13 == 0:
            assert_made_whole(service, path)
    assert counts == sorted(counts)
    assert len(set(counts)) > 3


@pytest.mark.parametrize("n_bytes", [0, 1, 100, 511, 5_000, 20_000])
def test_a_file_that_is_cut_short_is_made_whole(service: DemoServer, whole: Path, tmp_path: Path, n_bytes: int) -> None:
    path = tmp_path / "jobs.db"
    path.write_bytes(whole.read_bytes()[:n_bytes])
    if n_bytes == 1:  # too little to tell what it was
        with pytest.raises(ArchiveError, match=r"jobs\.db"):
            fetch(service, path)
        assert path.stat().st_size == n_bytes
    else:
        assert_made_whole(service, path)


def test_reading_takes_what_is_whole_and_changes_nothing(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    with contextlib.closing(sqlite3.connect(f"{whole.as_uri()}?immutable=1", uri=True)) as database:
        bundle, body = database.execute("SELECT number, body FROM bundles ORDER BY number LIMIT 1 OFFSET 3").fetchone()
        rows = database.execute("SELECT job_id FROM jobs WHERE number / 4096 = ?", [bundle]).fetchall()
    middle = body[1_000:1_100]
    data = whole.read_bytes()
    assert data.count(middle) == 1
    path.write_bytes(data.replace(middle, middle[::-1]))
    before = path.read_bytes()
    jobset = lcn.read_jobs(path)
    assert set(IDS) - set(jobset.jobs["job_id"]) == {row[0] for row in rows}
    assert len(rows) == BUNDLE_ANSWERS
    assert "damaged" in jobset.problems["message"].iloc[0]
    assert path.read_bytes() == before
    with Archive(path) as archive, pytest.raises(DamagedArchiveError, match="moves it aside"):
        list(archive.bodies(IDS))


def test_a_table_of_jobs_that_is_not_what_the_answers_say_is_damage_and_costs_nothing(
    whole: Path, tmp_path: Path
) -> None:
    path = tmp_path / "jobs.db"
    path.write_bytes(whole.read_bytes().replace(IDS[300].encode(), b"?" + IDS[300][1:].encode()))
    jobset = lcn.read_jobs(path)
    assert set(jobset.jobs["job_id"]) == set(IDS)
    assert "damaged" in jobset.problems["message"].iloc[0]
    with Archive(path) as archive, pytest.raises(DamagedArchiveError, match="what the table of jobs says"):
        list(archive.all_answers())


def test_each_damage_is_kept_under_a_name_of_its_own(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    for turn in (1, 2):
        path.write_bytes(b"\0" * 100 + whole.read_bytes()[100:])
        with pytest.raises(DamagedArchiveError):
            Archive(path)
        assert rescue(path, None) == (tmp_path / f"jobs.db.damaged-{turn}", len(IDS))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["jobs.db", "jobs.db.damaged-1", "jobs.db.damaged-2"]
    with pytest.raises(ArchiveError, match="holds jobs of loopback"):
        Archive(path, service="https://elsewhere")


def test_a_copy_without_its_log_goes_on_from_what_it_holds(service: DemoServer, tmp_path: Path) -> None:
    with Archive(tmp_path / "jobs.db", service="loopback"):  # kept open: its log stays
        fetch(service, tmp_path / "jobs.db")
        shutil.copy(tmp_path / "jobs.db", tmp_path / "copy.db")
    assert_made_whole(service, tmp_path / "copy.db")


def test_an_older_version_is_brought_up_to_date(service: DemoServer, tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    database = sqlite3.connect(path)
    database.executescript("""
        PRAGMA application_id = 1818455650;
        PRAGMA user_version = 1;
        CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE configurations (number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, body BLOB NOT NULL);
        CREATE TABLE jobs (number INTEGER PRIMARY KEY, job_id TEXT NOT NULL UNIQUE, final INTEGER NOT NULL,
            updated_us INTEGER, configuration INTEGER NOT NULL REFERENCES configurations, place INTEGER NOT NULL,
            body BLOB NOT NULL);
        INSERT INTO about VALUES ('service', 'loopback');
    """)
    import hashlib

    from llama_classify_nb import answers

    for job_id in IDS[:550]:
        body, part = BODIES[job_id], bytes(answers.read_job(BODIES[job_id]).configuration)
        place = body.index(part)
        database.execute(
            "INSERT OR IGNORE INTO configurations (digest, body) VALUES (?, ?)", [hashlib.sha256(part).digest(), part]
        )
        (number,) = database.execute("SELECT number FROM configurations WHERE body = ?", [part]).fetchone()
        row = (job_id, 1, 5, number, place, body[:place] + body[place + len(part) :])
        database.execute(
            "INSERT INTO jobs (job_id, final, updated_us, configuration, place, body) VALUES (?, ?, ?, ?, ?, ?)", row
        )
    database.commit()
    database.close()
    n_before = service.n_requests
    assert_made_whole(service, path)
    assert service.n_requests == n_before + 1


def test_version_2_is_brought_up_to_date(service: DemoServer, tmp_path: Path) -> None:
    """It held each answer by itself, packed with a dictionary, and its configuration, shared with others, cut out."""
    import hashlib
    import zlib

    from llama_classify_nb import answers

    path = tmp_path / "jobs.db"
    database = sqlite3.connect(path)
    database.executescript("""
        PRAGMA application_id = 1818455650;
        PRAGMA user_version = 2;
        CREATE TABLE about (key TEXT NOT NULL UNIQUE, value TEXT NOT NULL);
        CREATE TABLE shared (number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, body BLOB NOT NULL);
        CREATE TABLE spares (number INTEGER PRIMARY KEY, digest BLOB NOT NULL, body BLOB NOT NULL);
        CREATE TABLE jobs (number INTEGER PRIMARY KEY, job_id TEXT NOT NULL UNIQUE, final INTEGER NOT NULL,
            updated_us INTEGER, configuration INTEGER NOT NULL REFERENCES shared, place INTEGER NOT NULL,
            dictionary INTEGER REFERENCES shared, body BLOB NOT NULL, digest BLOB NOT NULL);
        INSERT INTO about VALUES ('service', 'loopback'), ('dictionary', '1');
    """)
    cut = {}
    for job_id in IDS[:550]:
        part = bytes(answers.read_job(BODIES[job_id]).configuration)
        place = BODIES[job_id].index(part)
        cut[job_id] = place, part, BODIES[job_id].replace(part, b"", 1)
    dictionary = cut[IDS[0]][2]
    parts = [dictionary, *dict.fromkeys(part for _, part, _ in cut.values())]
    for number, part in enumerate(parts, start=1):
        for table in ("shared", "spares"):
            row = (number, hashlib.sha256(part).digest(), part)
            database.execute(f"INSERT INTO {table} VALUES (?, ?, ?)", row)  # noqa: S608  one of two names
    for count, (job_id, (place, part, rest)) in enumerate(cut.items()):
        packer = zlib.compressobj(3, zlib.DEFLATED, -12, 5, zlib.Z_DEFAULT_STRATEGY, dictionary)
        is_packed = count % 3 != 0
        body = packer.compress(rest) + packer.flush() if is_packed else rest
        fields = (job_id, 1, 5, parts.index(part) + 1, place, 1 if is_packed else None)
        digest = hashlib.blake2b(repr(fields).encode() + body, digest_size=8).digest()
        columns = "job_id, final, updated_us, configuration, place, dictionary, body, digest"
        database.execute(f"INSERT INTO jobs ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*fields, body, digest))  # noqa: S608
    database.commit()
    database.close()
    assert {one.job_id: one.body for one in salvage.whole_answers(path)} == {one: BODIES[one] for one in cut}
    n_before = service.n_requests
    assert_made_whole(service, path)
    assert service.n_requests == n_before + 1


def test_it_is_written_small_and_comes_back_as_it_was(whole: Path, tmp_path: Path) -> None:
    raw = sum(len(BODIES[job_id]) for job_id in IDS)
    assert whole.stat().st_size < 0.3 * raw
    with Archive(whole) as archive:
        plain, packed = archive.export(tmp_path / "jobs.jsonl"), archive.export(tmp_path / "jobs.jsonl.gz")
        assert archive.export(tmp_path / "again.jsonl.gz").read_bytes() == packed.read_bytes()
    lines = plain.read_bytes().splitlines()
    assert sorted(lines) == sorted(BODIES[job_id] for job_id in IDS)
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    assert len(lcn.read_jobs(packed)) == len(IDS)


def test_replaced_answers_give_their_room_back(tmp_path: Path) -> None:
    from llama_classify_nb.records import Answer

    chance = random.Random(1)
    with Archive(tmp_path / "jobs.db") as archive:
        archive.put(Answer.cut(f"{n}", b"{c}" + chance.randbytes(5_000), b"c", 1, True) for n in range(200))
        archive.put(Answer.cut(f"{n}", b"{c}", b"c", 2, True) for n in range(200))
        archive.compact()
        assert list(archive.bodies(["7"])) == [b"{c}"]
    assert [file.name for file in tmp_path.iterdir()] == ["jobs.db"]
    assert (tmp_path / "jobs.db").stat().st_size < 200_000


def test_answers_that_come_again_and_again_take_no_more_room(tmp_path: Path) -> None:
    from llama_classify_nb.records import Answer

    chance = random.Random(2)
    ids = [f"{n}" for n in range(300)]
    with Archive(tmp_path / "jobs.db") as archive:
        for turn in range(12):
            chance.shuffle(ids)
            for start in range(0, 300, 60):
                some = ids[start : start + 60]
                archive.put(Answer.cut(one, b"{c}" + chance.randbytes(1_000), b"c", turn, True) for one in some)
            assert sorted(archive.ids()) == sorted(ids)
            assert {answer.updated_us for answer in archive.all_answers()} == {turn}
        with contextlib.closing(sqlite3.connect(archive.path)) as database:
            (n_bytes,) = database.execute("SELECT sum(length(body)) FROM bundles").fetchone()
        archive.compact()
        assert archive.path.stat().st_size < 1.5 * 300_000
    assert n_bytes < 3 * 300_000  # of 3,600,000 that came


def test_a_disk_that_is_full_ends_the_fetch_and_the_next_one_goes_on(service: DemoServer, tmp_path: Path) -> None:
    script = """
import json, resource, signal, sys
import llama_classify_nb as lcn
from llama_classify_nb.exceptions import ArchiveError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
try:
    client = lcn.Client(sys.argv[2], base_url=sys.argv[1])
    lcn.fetch_jobs(json.loads(sys.stdin.read()), client=client, archive=sys.argv[3], progress=False, width=1)
except ArchiveError as error:
    print(error)
"""
    path, n_before = tmp_path / "jobs.db", service.n_requests
    command = [sys.executable, "-c", script, service.base_url, service.api_key, str(path)]
    ran = subprocess.run(command, input=json.dumps(IDS), capture_output=True, text=True, check=True)
    assert str(path) in ran.stdout
    assert service.n_requests - n_before < 6
    with Archive(path) as archive:
        n_stored = len(archive)
    assert n_stored >= 100
    assert "damaged" not in repr(assert_made_whole(service, path).notes)
    assert service.n_requests - n_before <= 6 + 1  # the pack that could not be kept is asked for again


def test_two_processes_may_fetch_into_one_archive_at_once(service: DemoServer, tmp_path: Path) -> None:
    script = """
import json, sys
import llama_classify_nb as lcn
ids = json.loads(sys.stdin.read())
client = lcn.Client(sys.argv[2], base_url=sys.argv[1])
print(len(lcn.fetch_jobs(ids, client=client, archive=sys.argv[3], progress=False, refresh="all")))
"""
    command = [sys.executable, "-c", script, service.base_url, service.api_key, str(tmp_path / "jobs.db")]
    processes = [subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True) for _ in range(3)]
    results = [process.communicate(json.dumps(IDS), timeout=60) for process in processes]
    assert results == [(f"{len(IDS)}\n", "")] * 3
    assert_made_whole(service, tmp_path / "jobs.db")


def test_a_file_that_can_only_be_read_is_read_and_costs_no_request(service: DemoServer, whole: Path) -> None:
    """Run as nobody, whom a mode of 0500 stops; the administrator's own tests are stopped by nothing."""
    script = """
import os, sys
import llama_classify_nb as lcn
from llama_classify_nb.exceptions import ArchiveError
path, url, key = sys.argv[1:]
lcn.load_sample()  # whatever is to be imported, nobody may be kept from
client = lcn.Client(key, base_url=url)
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
print(len(lcn.read_jobs(path)))
try:
    lcn.fetch_jobs(["a"], client=client, archive=path, progress=False)
except ArchiveError as error:
    print(error)
"""
    folder = Path(shutil.copytree(whole.parent, f"/tmp/lcn-readonly-{os.getpid()}"))
    try:
        for path, mode in ((folder / "jobs.db", 0o444), (folder, 0o555)):
            path.chmod(mode)
        n_before = service.n_requests
        command = [sys.executable, "-c", script, str(folder / "jobs.db"), service.base_url, service.api_key]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.splitlines()[0] == str(len(IDS))
        assert "can't be written" in ran.stdout
        assert service.n_requests == n_before
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)
