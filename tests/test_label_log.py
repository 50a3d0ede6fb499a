"""The log of labels: what was written is there, once, whoever else writes, and however the writing ended."""

from __future__ import annotations

import datetime as dt
import errno
import os
import stat
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import llama_classify_nb as lcn
from llama_classify_nb import file_lock, label_log, label_records, metrics
from llama_classify_nb.exceptions import LabelLogError
from llama_classify_nb.label_log import LabelLog
from llama_classify_nb.label_records import NO_RULE, Record, encode, frame, parse, standing

NOW = dt.datetime(2026, 3, 1, 12, 30, 1, 250, tzinfo=dt.UTC)
ROOT = Path(__file__).parents[1]
ODD = ["=1+1", "'=1+1", " =1+1", "+x", "@a", '"', '""', 'a"b', "a,b", "a\nb", "a\r\nb", "\t", "", "\x00", "\u202e", "'"]
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")


def record(job_id: str = "job-1", label: str | None = "memo", action: str = "label", **fields: object) -> Record:
    plain = Record(job_id, label, "kim", NOW, True, 0.25, "1", "pilot", "sample", None, action)
    return plain._replace(**fields)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "labels.csv"


texts = st.text(max_size=8) | st.sampled_from(ODD)
maybe = st.none() | texts
records_of_any_kind = st.builds(
    Record,
    job_id=texts,
    label=maybe,
    reviewer=texts,
    time=st.none() | st.datetimes(timezones=st.just(dt.UTC)),
    seen_prediction=st.none() | st.booleans(),
    inclusion_probability=st.none() | st.floats(0, 1),
    stratum=maybe,
    stage=maybe,
    queue=maybe,
    note=maybe,
    action=st.sampled_from(label_records.ACTIONS),
)


class TestRecords:
    @given(st.lists(records_of_any_kind, max_size=5))
    def test_each_comes_back_exactly(self, some: list[Record]) -> None:
        content = label_records.HEADER + b"".join(map(encode, some))
        mended = [
            one._replace(
                **{k: v.encode("utf-8", "replace").decode() for k, v in one._asdict().items() if type(v) is str}
            )
            for one in some
        ]
        if not any("\ud800" <= char <= "\udfff" for one in some for v in one if type(v) is str for char in v):
            assert parse(content) == (mended, None, [])

    @given(st.lists(records_of_any_kind, min_size=1, max_size=3), st.data())
    def test_cut_anywhere_all_but_the_last_is_read_and_the_cut_is_seen(self, some: list[Record], data: object) -> None:
        whole = label_records.HEADER + b"".join(map(encode, some[:-1]))
        last = encode(some[-1])
        cut = data.draw(st.integers(1, len(last) - 2))  # type: ignore[attr-defined]
        before, torn, faults = parse(whole + last[:cut])
        assert (len(before), torn, faults) == (len(some) - 1, len(whole), [])

    def test_a_last_record_that_lacks_its_line_end_alone_is_whole(self) -> None:
        assert parse(encode(record())[:-1]) == ([record()], None, [])

    def test_a_spreadsheet_runs_no_text_of_it(self) -> None:
        line = encode(record("=1+1", "@SUM(A1)", note="-2+3")).decode()
        assert line.startswith('"\'=1+1","\'@SUM(A1)",')
        assert '"\'-2+3"' in line

    def test_what_a_spreadsheet_saved_again_is_read(self) -> None:
        saved = (
            "\ufeff"
            + ",".join(label_records.NAMES)
            + "\r\njob-1,'=1+1,kim,2026-03-01 12:30:01,TRUE,0.25,1,pilot,sample,,"
            "label\r\n"
        ).encode()
        (found,), torn, faults = parse(saved)
        assert (torn, faults) == (None, [])
        assert found == record(label="=1+1", time=NOW.replace(microsecond=0))

    def test_a_line_that_is_no_record_is_told_and_loses_no_other(self) -> None:
        lines = [label_records.HEADER, encode(record("a")), b'"b","it"s",broken\n', encode(record("c", note="x\ny"))]
        for odd in (lines[2], b'"b","memo\n', b"b,memo\n", encode(record("b")).replace(b",label\n", b",love\n")):
            found = parse(b"".join([*lines[:2], odd, *lines[3:]]))
            assert [one.job_id for one in found.records] == ["a", "c"]
            assert found.torn is None
            assert found.faults == ["line 3 is no record of a log and is left out"]

    def test_an_undo_takes_back_the_latest_of_the_same_job_and_reviewer(self) -> None:
        lee = {"reviewer": "lee"}
        some = [
            record("a", "memo"),
            record("a", "letter"),
            record("a", "note", **lee),
            record("b", "memo"),
            record("a", None, "undo"),
            record("b", None, "undo"),
            record("b", None, "undo"),  # nothing left to take back
        ]
        assert [(one.job_id, one.reviewer, one.label) for one in standing(some)] == [
            ("a", "kim", "memo"),
            ("a", "lee", "note"),
        ]

    def test_a_skip_hides_no_label_and_is_none(self) -> None:
        some = [record("a", "memo"), record("a", None, "skip"), record("b", None, "skip")]
        assert standing(some) == [some[0]]
        assert standing([*some, record("a", None, "undo")]) == [some[0]]  # the skip was taken back
        assert standing([*some, record("a", None, "undo"), record("a", None, "undo")]) == []

    @pytest.mark.parametrize("some", [[], [record()], [record(), record("b", None, "cant_tell", time=None)]])
    def test_a_table_has_its_dtypes_with_and_without_rows(self, some: list[Record]) -> None:
        table = frame(some)
        assert [str(one) for one in table.dtypes] == [column.dtype for column in label_records.COLUMNS]
        assert list(table) == list(label_records.NAMES)
        assert len(table) == len(some)


class TestLog:
    def test_it_is_made_for_its_owner_only_with_a_header(self, path: Path) -> None:
        LabelLog(path)
        assert path.read_bytes() == label_records.HEADER
        assert os.name != "posix" or stat.S_IMODE(path.stat().st_mode) == 0o600
        LabelLog(path)
        assert path.read_bytes() == label_records.HEADER

    def test_what_another_wrote_is_seen(self, path: Path) -> None:
        one, other = LabelLog(path), LabelLog(path)
        one.append(record("a"))
        other.append(record("b", reviewer="lee"))
        one.refresh()
        assert [found.job_id for found in one.records] == [found.job_id for found in other.records] == ["a", "b"]

    @pytest.mark.parametrize(
        "tail", [b'"b","me', b'"b","memo","kim",', b'"b","a\nnote', b"\x00\x00\x00", "é".encode()[:1]]
    )
    def test_a_torn_record_is_put_aside_told_and_never_joined_to_the_next(self, path: Path, tail: bytes) -> None:
        LabelLog(path).append(record("a"))
        with path.open("ab") as file:
            file.write(tail)
        log = LabelLog(path)
        assert "cut short" in log.notes[0]
        assert path.with_name("labels.csv.torn").read_bytes() == tail + b"\n"
        log.append(record("c"))
        assert LabelLog(path).records == [record("a"), record("c")]
        assert LabelLog(path).notes == []

    def test_it_is_told_too_where_the_log_is_open_already(self, path: Path) -> None:
        log = LabelLog(path)
        log.append(record("a"))
        with path.open("ab") as file:
            file.write(encode(record("b", note="two\nlines")) + b'"c","me')
        log.append(record("d"))
        assert [one.job_id for one in log.records] == ["a", "b", "d"]
        assert len(log.notes) == 1

    def test_a_header_cut_short_is_written_anew(self, path: Path) -> None:
        path.write_bytes(label_records.HEADER[:20])
        LabelLog(path).append(record())
        assert LabelLog(path).records == [record()]

    def test_a_last_line_without_an_end_is_kept_and_the_next_record_begins_a_line(self, path: Path) -> None:
        path.write_bytes(label_records.HEADER + encode(record("a"))[:-1])
        log = LabelLog(path)
        log.refresh()
        log.append(record("b"))
        log.append(record("c"))
        assert LabelLog(path).records == [record("a"), record("b"), record("c")]
        assert path.read_bytes() == label_records.HEADER + b"".join(encode(record(one)) for one in "abc")

    def test_a_file_that_took_its_place_counts(self, path: Path) -> None:
        log = LabelLog(path)
        log.append(record("a"))
        path.unlink()
        log.append(record("b"))
        assert log.records == LabelLog(path).records == [record("b")]
        assert "was replaced" in log.notes[0]

    def test_a_file_of_another_kind_is_left_alone(self, path: Path) -> None:
        path.write_text("job_id,label\na,memo\n")
        with pytest.raises(LabelLogError, match=r"is no log of labels.*Give the path of a new file"):
            LabelLog(path)
        assert path.read_text() == "job_id,label\na,memo\n"

    @posix
    def test_no_link_is_followed_and_nothing_but_a_file_is_written(self, path: Path, tmp_path: Path) -> None:
        LabelLog(tmp_path / "real.csv")
        path.symlink_to(tmp_path / "real.csv")
        with pytest.raises(LabelLogError, match="is a symbolic link"):
            LabelLog(path)
        path.unlink()
        path.hardlink_to(tmp_path / "real.csv")
        with pytest.raises(LabelLogError, match="several names"):
            LabelLog(path)
        path.unlink()
        os.mkfifo(path)
        with pytest.raises(LabelLogError, match="no ordinary file"):
            LabelLog(path)
        with pytest.raises(LabelLogError, match="can't be written"):
            LabelLog(tmp_path / "missing" / "labels.csv")

    @posix
    def test_a_file_without_locks_is_locked_by_one_beside_it(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def no_locks(*_: object) -> None:
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(file_lock.fcntl, "flock", no_locks)
        log = LabelLog(path)
        log.append(record())
        assert log.records == [record()]
        beside = path.with_name(".labels.csv.lock")
        assert not beside.exists()
        beside.touch()
        monkeypatch.setattr(file_lock, "PATIENCE_S", 0.0)
        with pytest.raises(LabelLogError, match=r"held by another program for 0 s"):
            log.append(record())
        os.utime(beside, (0, 0))  # left by a program that died long ago
        monkeypatch.setattr(file_lock, "PATIENCE_S", 10.0)
        log.append(record("b"))
        assert [one.job_id for one in log.records] == ["job-1", "b"]


WRITER = """
import datetime as dt, sys
from llama_classify_nb.label_log import LabelLog
from llama_classify_nb.label_records import Record
path, reviewer, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
log = LabelLog(path)
print("open", flush=True)
for number in range(n):
    note, now = "two\\nlines, " * (number % 40), dt.datetime.now(dt.UTC)
    log.append(Record(f"job-{number}", "memo", reviewer, now, True, 0.5, "1", "pilot", "sample", note, "label"))
    print(number, flush=True)
"""


def writer(path: Path, reviewer: str, n: int, **options: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WRITER, str(path), reviewer, str(n)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


class TestProcesses:
    def test_two_lose_and_duplicate_nothing(self, path: Path) -> None:
        both = [writer(path, reviewer, 500) for reviewer in ("kim", "lee")]
        for one in both:
            _, errors = one.communicate(timeout=60)
            assert one.returncode == 0, errors
        records, torn, faults = parse(path.read_bytes())
        assert (torn, faults) == (None, [])
        counts = Counter((one.reviewer, one.job_id) for one in records)
        assert counts == {(reviewer, f"job-{number}"): 1 for reviewer in ("kim", "lee") for number in range(500)}
        for reviewer in ("kim", "lee"):
            mine = [one.job_id for one in records if one.reviewer == reviewer]
            assert mine == [f"job-{number}" for number in range(500)]

    @posix
    def test_a_kill_loses_nothing_that_was_said_to_be_written(self, path: Path) -> None:
        said = 0
        for round_ in range(3):
            one = writer(path, f"kim-{round_}", 100_000)
            assert one.stdout is not None
            for line in one.stdout:
                if line.strip() == "25":
                    one.kill()
                    break
            said += 26 + sum(1 for _ in one.stdout)
            one.communicate()
            LabelLog(path)  # puts aside what is torn
            found = parse(path.read_bytes())
            assert found.faults == []
            assert said <= len(found.records) <= said + round_ + 1  # the last may be on disk before it is said
            assert max(Counter((one.reviewer, one.job_id) for one in found.records).values()) == 1

    @posix
    def test_a_full_disk_is_told_and_leaves_whole_records(self, path: Path) -> None:
        import resource

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, 4_000))

        one = writer(path, "kim", 500, preexec_fn=limit)
        output, errors = one.communicate(timeout=60)
        assert "LabelLogError" in errors
        assert "nothing was saved" in errors
        said = len(output.split()) - 1
        assert said > 5
        records, torn, faults = parse(path.read_bytes())
        assert (len(records), torn, faults) == (said, None, [])

    @posix
    def test_a_file_that_may_not_be_written_is_told_at_once(self) -> None:
        script = (
            "import os, sys; from llama_classify_nb.label_log import LabelLog\n"
            "if os.geteuid() == 0: os.seteuid(65534)  # root may write anything\n"
            "LabelLog(sys.argv[1])"
        )
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            path = Path(folder) / "labels.csv"
            LabelLog(path).append(record())
            path.chmod(0o444)
            before = path.read_bytes()
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            command = [sys.executable, "-c", script, str(path)]
            one = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            assert "can't be written: Permission denied" in one.stderr
            assert path.read_bytes() == before


class TestReading:
    def test_labels_are_what_each_reviewer_said_last(self, path: Path) -> None:
        log = LabelLog(path)
        for one in [
            record("a", "memo"),
            record("a", "letter", note="=1+1"),
            record("b", "memo"),
            record("b", None, "undo"),
            record("c", None, "cant_tell"),
            record("d", None, "skip"),
            record("a", "note", reviewer="lee", seen_prediction=False),
        ]:
            log.append(one)
        labels = lcn.read_labels(path)
        assert list(labels) == list(label_records.NAMES)
        assert labels["job_id"].tolist() == ["a", "c", "a"]
        assert labels["label"].fillna("-").tolist() == ["letter", "-", "note"]
        assert labels["note"].tolist()[0] == "=1+1"
        assert labels["seen_prediction"].tolist() == [True, True, False]
        assert labels["inclusion_probability"].tolist() == [0.25] * 3
        assert labels["time"].iloc[0] == pd.Timestamp(NOW)
        assert metrics.reviewer_agreement(labels)["n"].iloc[0] == 1

    def test_a_torn_end_is_left_out_with_a_warning_and_stays_in_the_file(self, path: Path) -> None:
        LabelLog(path).append(record())
        with path.open("ab") as file:
            file.write(b'"b","me')
        before = path.read_bytes()
        with pytest.warns(UserWarning, match="cut short, as by a crash"):
            labels = lcn.read_labels(path)
        assert labels["job_id"].tolist() == ["job-1"]
        assert path.read_bytes() == before

    def test_a_missing_answer_is_right_where_no_rule_fits_and_a_type_is_wrong(self, path: Path) -> None:
        jobs = pd.DataFrame(
            {
                "job_id": list("abcd"),
                "outcome": ["no_match", "matched", "no_match", "matched"],
                "type": [None, "memo", None, "memo"],
                "confidence": [0.3, 0.9, 0.2, 0.8],
                "rule_set": "r",
            }
        )
        rules = pd.DataFrame({"rule_set": "r", "type": ["memo", "letter"]})
        log = LabelLog(path)
        for job_id, label in zip("abcd", [NO_RULE, NO_RULE, "memo", "memo"], strict=True):
            log.append(record(job_id, label))
        row = metrics.accuracy(jobs, lcn.read_labels(path), rules=rules).iloc[0]
        assert (row["n"], row["n_right"]) == (4, 2)
        scored = metrics.accuracy(jobs.iloc[:1], lcn.read_labels(path), rules=rules)
        assert scored["accuracy"].item() == 1.0

    def test_a_file_of_ones_own_gets_its_texts_back(self, tmp_path: Path) -> None:
        table = pd.DataFrame({"job_id": ["a", "b"], "label": ["=1+1", "'plain'"], "remark": ["-x", None]})
        from llama_classify_nb.export import write_csv

        write_csv(table, tmp_path / "own.csv")
        labels = lcn.read_labels(tmp_path / "own.csv")
        assert labels["label"].tolist() == ["=1+1", "'plain'"]
        assert labels["remark"].fillna("-").tolist() == ["-x", "-"]

    def test_only_a_log_is_read_as_one(self, tmp_path: Path) -> None:
        (tmp_path / "own.csv").write_text("job_id,label,action\na,memo,undo\n")
        assert label_log.read(tmp_path / "own.csv") is None
        assert len(lcn.read_labels(tmp_path / "own.csv")) == 1
