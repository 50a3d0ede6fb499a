"""Templates of failures: what is grouped, what is kept apart, hostile messages, and rates."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_jobs import small_jobs
from statsmodels.stats.proportion import proportion_confint

from llama_classify_nb import frames, schema
from llama_classify_nb.metrics import failure_rates, failure_templates, failures, pages_in_scope

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


def template(message: str) -> str:
    return failure_templates(failed(message))["template"].item()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("GET https://a.example/x?y=1&key=s3cret: refused", "GET <url>: refused"),
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
        ("took 20.5 s, 1,024 KB, -3 and 7%", "took <duration>, <size>, <n> and <n>%"),
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
    assert template(message) == expected


def test_a_number_that_names_the_failure_is_kept() -> None:
    messages = [
        "HTTP 429 after 3 tries",
        "HTTP 503 after 4 tries",
        "status code: 503",
        "decoder error -2",
        "code 0x80070057",
    ]
    assert failure_templates(failed(*messages))["template"].tolist() == [
        "HTTP 429 after <n> tries",
        "HTTP 503 after <n> tries",
        "code 0x80070057",
        "decoder error -2",
        "status code: 503",
    ]


def test_jobs_that_failed_without_a_message_are_a_row_of_their_own() -> None:
    table = failure_templates(failed(None, "", "  \n ", "x"))
    assert table["template"].tolist() == ["no message", "x"]
    assert table["count"].tolist() == [3, 1]
    assert table["share"].tolist() == [0.75, 0.25]
    assert table["example"].isna().tolist() == [True, False]
    assert table["example_job_id"].tolist() == ["j0", "j3"]


def test_only_failed_jobs_count() -> None:
    jobs = failed("a", "b").assign(outcome=["failed", "matched"])
    assert failure_templates(jobs)["template"].tolist() == ["a"]


def test_the_example_is_the_earliest_message_word_for_word() -> None:
    jobs = failed("page 9\nrest", "page 8", "page 7", None)
    jobs.loc[0, "created_at"] = pd.NaT
    jobs.loc[[1, 2], "created_at"] = pd.Timestamp("2026-01-01", tz="UTC")
    row = failure_templates(jobs.iloc[[2, 0, 1, 3]]).iloc[0]
    assert (row["example"], row["example_job_id"], row["count"]) == ("page 8", "j1", 3)
    assert row["first_seen"] == row["last_seen"] == pd.Timestamp("2026-01-01", tz="UTC")


def test_the_real_messages_fall_into_the_groups_a_person_finds() -> None:
    jobs = frames.read_tables([gzip.decompress((ROOT / "data/documents_jobs.jsonl.gz").read_bytes())]).jobs
    messages = jobs.loc[jobs["outcome"] == "failed", "error_message"]
    table = failure_templates(jobs).set_index("template")
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
    pd.testing.assert_frame_equal(failures._finish(failures._merge(parts)), failure_templates(jobs))


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
    assert len(template(message)) < 6000
    assert len(template(TRACEBACK * 3000 + message)) < 6000


@settings(max_examples=150)
@given(st.lists(st.none() | st.text(max_size=60).filter(lambda text: text.isprintable()), max_size=8))
def test_any_messages_are_counted_once_each(messages: list[str | None]) -> None:
    table = failure_templates(failed(*messages))
    assert table["count"].sum() == len(messages)
    assert table["template"].is_unique
    assert table["template"].notna().all()


# Rates


def test_rates_by_week_begin_on_mondays_in_utc_and_count_every_job_once() -> None:
    jobs = small_jobs(300)
    table = failure_rates(jobs, by="week")
    monday = jobs["created_at"].dt.normalize() - pd.to_timedelta(jobs["created_at"].dt.day_of_week, unit="D")
    failures = (jobs["outcome"] == "failed").groupby(monday, dropna=False).sum().sort_index(na_position="last")
    assert table["count"].tolist() == failures.tolist()
    assert table["week"].dropna().tolist() == failures.index.dropna().tolist()
    assert table["week"].isna().tolist() == [False] * (len(table) - 1) + [True]
    assert table["n"].sum() + table["n_unfinished"].sum() == len(jobs)


def test_intervals_of_rates_are_those_of_statsmodels() -> None:
    table = failure_rates(small_jobs(300), by="configuration_id")
    lower, upper = proportion_confint(table["count"], table["n"], method="wilson")
    np.testing.assert_allclose(table["share_lower"], lower)
    np.testing.assert_allclose(table["share_upper"], upper)


def test_page_scopes_are_worded() -> None:
    jobs = pd.DataFrame(
        {
            "outcome": "failed",
            "target_pages": pd.Categorical([None, None, None, "1,3-5", "1,3-5", None]),
            "max_pages": pd.array([None, 1, 10, None, 2, None], "Int64"),
        }
    )
    table = failure_rates(jobs, by="page_scope")
    told = pages_in_scope(jobs)
    scopes = dict(zip(told["page_scope"], told["n_jobs"], strict=True))
    assert len(scopes) == 5
    assert dict(zip(table["page_scope"], table["count"], strict=True)) == scopes
