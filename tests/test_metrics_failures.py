"""Reasons of failures: what is grouped, what is kept apart, and hostile messages."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama_classify_nb import frames, schema
from llama_classify_nb.metrics import failure_reasons, failures

ROOT = Path(__file__).parents[1]
TRACEBACK = 'Traceback (most recent call last):\n  File "a/b.py", line 8, in run\n    go()\n'


def failed(*messages: str | None) -> pd.DataFrame:
    n = len(messages)
    return pd.DataFrame(
        {
            "job_id": pd.Series([f"j{i}" for i in range(n)], dtype=schema.TEXT),
            "outcome": "failed",
            "error_message": pd.Series(list(messages), dtype=schema.TEXT),
            "created_at": pd.Series(pd.date_range("2026-02-01", periods=n, tz="UTC", unit="us")),
        }
    )


def reason(message: str) -> str:
    return failure_reasons(failed(message))["reason"].item()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("GET https://a.example/x?y=1&key=s3cret: refused", "GET <url> refused"),
        ("job 269cae41-fbc2-5fbf-a199-38dcc86acfb3 is gone", "job <id> is gone"),
        ("file dfl-3a9f22c1 and cls_01HXYZ77 are gone", "file <id> and <id> are gone"),
        ("object deadbeef00112233 at 0x7F3a", "object <id> at <hex>"),
        ("no file /home/ann/in/page.tif here", "no file <file> here"),
        ("no folder /home/ann/in here", "no folder <path> here"),
        (r"no folder C:\data\in\x here", "no folder <path> here"),
        ("page 1 of 50488503-8503.tif: OCR gave 0 bytes", "page <n> of <file>: OCR gave <n> bytes"),
        ("cannot identify image file '03r00.fli'", "cannot identify image file <text>"),
        ("key \"a b\" and `c` can't be read, won't be", "key <text> and <text> can't be read, won't be"),
        ("ask ann.b+c@mail.example.org", "ask <email>"),
        ("since 2026-02-03T04:05:06.789Z, or 2026-02-03, or 04:05:06", "since <time>, or <time>, or <time>"),
        ("took 20.5 s, 1,024 KB, -3 and 7%", "took <n> s, <n> KB, <n> and <n>%"),
        ("  too\tmany   blanks \r\nsecond line", "too many blanks"),
        ("Invalid construct: [/'Font', 6, [<ref>]]", "Invalid construct: <data>"),
        ("[Errno 2] No such file", "[Errno 2] No such file"),
        ("utf8, jbig2dec and Ascii85 stay words", "utf8, jbig2dec and Ascii85 stay words"),
        (TRACEBACK + "pkg.errors.PdfReadError: page 3\n  more", "PdfReadError: page <n>"),
        (TRACEBACK + "pkg.mod.Odd\n", "Odd"),
        (TRACEBACK + "binascii.Error: odd length", "binascii.Error: odd length"),
        (
            TRACEBACK
            + "x.A: one\n\nDuring handling of the above exception, another exception occurred:\n\n"
            + TRACEBACK
            + "y.B: two\nnot this: line",
            "B: two",
        ),
        (TRACEBACK, TRACEBACK.split("\n")[0]),
    ],
)
def test_what_varies_is_masked(message: str, expected: str) -> None:
    assert reason(message) == expected


def test_a_number_that_names_the_failure_is_kept() -> None:
    messages = [
        "HTTP 429 after 3 tries",
        "HTTP 503 after 4 tries",
        "status code: 503",
        "decoder error -2",
        "code 0x80070057",
    ]
    assert failure_reasons(failed(*messages))["reason"].tolist() == [
        "HTTP 429 after <n> tries",
        "HTTP 503 after <n> tries",
        "code 0x80070057",
        "decoder error -2",
        "status code: 503",
    ]


def test_jobs_that_failed_without_a_message_are_a_row_of_their_own() -> None:
    table = failure_reasons(failed(None, "", "  \n ", "x"))
    assert table["reason"].tolist() == ["no message", "x"]
    assert table["count"].tolist() == [3, 1]
    assert table["share"].tolist() == [0.75, 0.25]
    assert table["example"].isna().tolist() == [True, False]
    assert table["example_job_id"].tolist() == ["j0", "j3"]


def test_only_failed_jobs_count() -> None:
    jobs = failed("a", "b").assign(outcome=["failed", "matched"])
    assert failure_reasons(jobs)["reason"].tolist() == ["a"]


def test_the_example_is_the_earliest_message_word_for_word() -> None:
    jobs = failed("page 9\nrest", "page 8", "page 7", None)
    jobs.loc[0, "created_at"] = pd.NaT
    jobs.loc[[1, 2], "created_at"] = pd.Timestamp("2026-01-01", tz="UTC")
    row = failure_reasons(jobs.iloc[[2, 0, 1, 3]]).iloc[0]
    assert (row["example"], row["example_job_id"], row["count"]) == ("page 8", "j1", 3)
    assert row["first_seen"] == row["last_seen"] == pd.Timestamp("2026-01-01", tz="UTC")


def test_the_real_messages_fall_into_the_groups_a_person_finds() -> None:
    jobs = frames.read_tables([gzip.decompress((ROOT / "data/documents_jobs.jsonl.gz").read_bytes())]).jobs
    messages = jobs.loc[jobs["outcome"] == "failed", "error_message"]
    table = failure_reasons(jobs).set_index("reason")
    assert table["count"].sum() == len(messages) == 192
    for kind in (
        "OCR gave",
        "UnidentifiedImageError: cannot",
        "PDFPasswordIncorrect",
        "been decrypted",
        "Broken xref table",
    ):
        own = table[table.index.str.contains(kind, regex=False)]
        assert own["count"].tolist() == [messages.str.split("\n").str[-1].str.contains(kind, regex=False).sum()], kind
    assert len(table) == 43


def test_partial_tables_of_reasons_merge_into_the_whole() -> None:
    jobs = failed("page 1", None, "page 2", "x", "page 3", "")
    parts = [failures._partial(jobs.iloc[4:]), failures._partial(jobs.iloc[:4]), failures._partial(jobs.iloc[:0])]
    pd.testing.assert_frame_equal(failures._finish(failures._merge(parts)), failure_reasons(jobs))


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "'",
        '"',
        "a.",
        "/a",
        "-",
        "0",
        "0,",
        "[",
        "{'",
        "a-",
        "A_1",
        "\\",
        "@a",
        "://",
        "“",
        ".pdf",
        "0x",
        "'b'",
        "\n",
        " ",
        "Z:",
    ],
)
def test_a_hostile_message_of_200_kb_is_grouped_in_few_steps(piece: str) -> None:
    message = piece * (200_000 // len(piece))
    assert len(reason(message)) < 6000
    assert len(reason(TRACEBACK * 3000 + message)) < 6000


@settings(max_examples=150, deadline=None)
@given(st.lists(st.none() | st.text(max_size=60).filter(lambda text: text.isprintable()), max_size=8))
def test_any_messages_are_counted_once_each(messages: list[str | None]) -> None:
    table = failure_reasons(failed(*messages))
    assert table["count"].sum() == len(messages)
    assert table["reason"].is_unique
    assert table["reason"].notna().all()
