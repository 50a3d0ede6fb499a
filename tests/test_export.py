"""Tables as CSV files: no cell is live, and every table comes back as it was."""

from __future__ import annotations

import csv
import io
import os
import re
import resource
import stat
import tracemalloc
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from llama_classify_nb import cells, export, files, frames, schema
from llama_classify_nb.cells import needs_apostrophe, neutralise, restore
from llama_classify_nb.exceptions import ArgumentError, ReadError
from llama_classify_nb.from_files import load_sample, read_jobs
from llama_classify_nb.jobset import JobSet
from llama_classify_nb.report.digests import cell_sums

HERE = Path(__file__).parent
LIVE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\x00=1",
    "\n=1",
    " =1",
    '"=1',
    "\u200b=1",
    "＝1",
    "＋1",
    "－1",
    "＠a",
]
HOSTILE = [
    *LIVE,
    "'=1",
    "'",
    "''=1",
    "' '=1",
    "it's",
    "",
    " ",
    "NA",
    "null",
    "nan",
    "None",
    "true",
    "1",
    "007",
    "1e5",
    "a,b;c\td|e",
    'say "hi"',
    '"',
    '""',
    "a\r\nb\nc\rd",
    "\n",
    "a\x00b",
    "\u2028\u2029\x85\x0b\x0c",
    "\ufeffx",
    "😀\U0010ffff\uffff",
    "$x$ {y} %s \\",
    "<script>alert(1)</script>",
    "x" * 200_000,
]

# Texts in which the interesting characters are frequent.
tricky = st.text(st.sampled_from("=+-@＝－'\"` \t\r\n\x00\u200b\ufeff\u2028ab,;1") | st.characters(), max_size=8)
whole_texts = st.text(
    st.sampled_from("=+-@＝－'\"` \t\r\n\x00\u200b\ufeffab,;") | st.characters(exclude_categories=["Cs"])
)


@st.composite
def columns_of(draw: st.DrawFn, n: int) -> pd.Series:
    """A column of ``n`` values of any dtype that a file can hold."""

    def values(one: st.SearchStrategy[object]) -> list[object]:
        return draw(st.lists(one, min_size=n, max_size=n))

    kind = draw(st.sampled_from(["text", "surrogates", "category", "time", "i", "u", "I", "f", "F", "b", "B"]))
    if kind == "text":
        return pd.Series(values(whole_texts | st.none()), dtype=schema.TEXT)
    if kind == "surrogates":
        return pd.Series(values(st.text(st.sampled_from("=\ud800\udfff'\x00a")) | st.none()), dtype=object)
    if kind == "category":
        names = draw(st.lists(whole_texts, unique=True, max_size=4))
        codes = values(st.integers(-1, len(names) - 1))
        kinds = pd.Index(names, dtype=schema.TEXT)
        return pd.Series(pd.Categorical.from_codes(codes, kinds, ordered=draw(st.booleans())))
    if kind == "time":
        unit, zone = draw(st.sampled_from(["s", "ms", "us", "ns"])), draw(st.sampled_from(ZONES))
        times = values(st.integers(-(2**32), 2**32) | st.none())
        found = pd.Series(pd.to_datetime(pd.Series(times, dtype="Int64"), unit="s")).astype(f"datetime64[{unit}]")
        return found if zone is None else found.dt.tz_localize("UTC").dt.tz_convert(zone)
    if kind in "iu":
        dtype = draw(st.sampled_from(["int8", "int32", "int64"] if kind == "i" else ["uint8", "uint16", "uint64"]))
        ends = np.iinfo(dtype)
        return pd.Series(np.array(values(st.integers(int(ends.min), int(ends.max))), dtype))
    if kind == "f":
        return pd.Series(np.array(values(st.floats(width=32)), draw(st.sampled_from(["float32", "float64"]))))
    numbers = {"I": st.integers(-(2**63), 2**63 - 1), "F": st.floats(allow_nan=False), "b": st.booleans()}
    if kind == "b":
        return pd.Series(np.array(values(numbers["b"]), bool))
    dtype = {"I": "Int64", "F": "Float64", "B": "boolean"}[kind]
    return pd.Series(pd.array(values(numbers.get(kind, st.booleans()) | st.none()), dtype=dtype))


ZONES = [None, "UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"]


@st.composite
def frames_of_any_dtypes(draw: st.DrawFn) -> pd.DataFrame:
    """A frame of one to four columns, with any names."""
    n = draw(st.integers(0, 4))
    names = draw(st.lists(whole_texts, min_size=1, max_size=4, unique=True))
    return pd.DataFrame({name: draw(columns_of(n)) for name in names})


def begins_live(text: str) -> bool:
    """The rule in plain steps: a control first, or a sign after whatever doesn't show, and no apostrophe first."""
    if text.startswith("'"):
        return False
    if text and unicodedata.category(text[0]) == "Cc":
        return True
    for char in text:
        if unicodedata.normalize("NFKC", char)[:1] in ("=", "+", "-", "@", "\u2212"):
            return True
        if unicodedata.category(char) not in ("Cc", "Cf", "Zs", "Zl", "Zp") and char not in "\"'`":
            return False
    return False


def edge_cases() -> JobSet:
    return read_jobs(HERE / "data" / "edge_cases.jsonl")


def nothing() -> JobSet:
    return JobSet(frames.read_tables([]), lambda _: [])


def with_sidecar(folder: Path, file: str, table: pd.DataFrame) -> Path:
    export.write_csv(export.describe(file, table, ()), folder / export.SIDECAR)
    return export.write_csv(table, folder / file)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all the examples of a property, which may share it: each writes its own file anew."""
    return tmp_path_factory.mktemp("csv")


@pytest.fixture
def _long_fields() -> Iterator[None]:
    """Python's csv reader takes fields of 131,072 characters unless told otherwise."""
    limit = csv.field_size_limit(1 << 24)
    yield
    csv.field_size_limit(limit)


class TestNeutralise:
    @given(tricky)
    @settings(max_examples=1000)
    def test_restore_undoes_it_for_every_text(self, text: str) -> None:
        assert restore(neutralise(text)) == text

    @given(tricky)
    @settings(max_examples=1000)
    def test_no_text_begins_live_after_it(self, text: str) -> None:
        assert not begins_live(neutralise(text))

    @given(tricky)
    def test_two_texts_never_become_one(self, text: str) -> None:
        assert len({neutralise(one) for one in (text, "'" + text, "''" + text)}) == 3

    @pytest.mark.parametrize("text", LIVE)
    def test_a_live_text_gets_one_apostrophe(self, text: str) -> None:
        within = text[0] + "'" + text[1:] if text[0] in "\t\r\n" else text
        assert neutralise(text) == "'" + within
        assert neutralise("'" + text) == "''" + within

    @pytest.mark.parametrize(
        "text", ["it's", "a=b", "1-2", "'quoted'", "", " ", '"', "x;y=1", "a -\n", "…", "12", "é@b"]
    )
    def test_an_innocent_text_is_left_alone(self, text: str) -> None:
        assert neutralise(text) == text

    @pytest.mark.parametrize("text", ["a;=1", "a\t =1", "a\n\n- b", "a;'@b", ";;＝1", "a;=1;=2\r\n+3"])
    def test_what_follows_on_a_separator_gets_one_apostrophe_each(self, text: str) -> None:
        parts = re.split(r"(?<=[;\t\r\n])(?=[ ']*[=@＝+-])", text)
        assert len(parts) > 1
        assert neutralise(text) == "'".join(parts)

    @given(tricky)
    @settings(max_examples=1000)
    def test_no_part_between_separators_is_live_after_it(self, text: str) -> None:
        for part in re.split("[;\t\r\n]", neutralise(text)):
            assert not begins_live(part.lstrip("".join(map(chr, [*range(32), *range(127, 160)])))), ascii(part)

    @given(st.lists(whole_texts))
    def test_arrow_and_python_neutralise_alike_and_back(self, texts: list[str]) -> None:
        column = pd.Series(texts, dtype=schema.TEXT)
        found = cells.column_cells(column)
        assert [one[1:-1].replace('""', '"') for one in found.to_pylist()] == [neutralise(text) for text in texts]
        read = cells.column_values(pa.array(map(neutralise, texts), pa.large_string()), "str")
        assert read.tolist() == texts

    def test_every_character_that_does_not_show_is_passed_over(self) -> None:
        unseen = ("Cc", "Cf", "Zs", "Zl", "Zp", "Pi", "Pf")
        missed = [
            c for c in map(chr, range(0x110000)) if unicodedata.category(c) in unseen and not needs_apostrophe(c + "=")
        ]
        assert missed == []

    def test_every_form_of_a_sign_counts_and_no_letter_or_digit_does(self) -> None:
        for char in map(chr, [*range(0xD800), *range(0xE000, 0x110000)]):
            if unicodedata.normalize("NFKC", char)[0] in "=+-@\u2212":
                assert needs_apostrophe(char), ascii(char)
            elif unicodedata.category(char)[0] in "LNS" and char not in "`\xb4":
                assert not needs_apostrophe(char + "a"), ascii(char)

    @given(st.lists(whole_texts))
    def test_arrow_and_python_agree_on_which_texts_need_it(self, texts: list[str]) -> None:
        column = pa.array(texts, pa.large_string())
        by_arrow = pc.match_substring_regex(column, cells._NEEDS).to_pylist()
        assert by_arrow == [needs_apostrophe(text) for text in texts]


@pytest.mark.usefixtures("_long_fields")
class TestForm:
    def test_the_python_csv_reader_reads_what_was_written(self) -> None:
        table = pd.DataFrame({"a": HOSTILE, "n": range(len(HOSTILE))})
        rows = list(csv.reader(io.StringIO(export.csv_text(table), newline=""), strict=True))
        assert rows[0] == ["a", "n"]
        assert rows[1:] == [[neutralise(text), str(n)] for n, text in enumerate(HOSTILE)]

    def test_the_pandas_reader_reads_what_was_written(self) -> None:
        jobs = edge_cases().jobs
        # The reader of pandas 2 ends a text at NUL.
        jobs = jobs[~jobs["reasoning"].str.contains("\0", regex=False, na=False)]
        read = pd.read_csv(
            io.BytesIO(export.csv_text(jobs).encode()),
            keep_default_na=False,
            na_values=[],
            dtype=str,
            lineterminator="\n",
        )
        assert list(read.columns) == list(jobs.columns)
        assert read["job_id"].tolist() == [neutralise(one) for one in jobs["job_id"]]
        expected = [neutralise(one) for one in jobs["reasoning"].fillna("")]
        assert read["reasoning"].tolist() == expected

    def test_no_cell_of_the_awkward_jobs_begins_live(self) -> None:
        tables = edge_cases()
        seen = 0
        for table in (tables.jobs, tables.rules, tables.problems, tables.job_rules()):
            texts = {name for name in table if table[name].dtype.kind not in "iufbM"}
            for row in csv.DictReader(io.StringIO(export.csv_text(table), newline="")):
                live = {name: cell for name, cell in row.items() if name in texts and begins_live(cell)}
                assert live == {}
                seen += sum(cell.startswith("'") for name, cell in row.items() if name in texts)
        assert seen >= 6

    def test_numbers_booleans_and_times_stay_themselves(self) -> None:
        table = pd.DataFrame(
            {
                "f": [-0.5, 1.0, float("nan"), 1e-300, float("-inf"), -0.0],
                "i": [-1, 0, 2**62, 3, 4, 5],
                "I": pd.array([-1, None, 2**62, 3, 4, 5], "Int64"),
                "b": [True, False, True, True, True, True],
                "t": pd.to_datetime(["2026-02-02T07:00:01.513001Z"] * 6).as_unit("us"),
            }
        )
        lines = export.csv_text(table).split("\n")
        assert lines[0] == '"f","i","I","b","t"'
        assert lines[1] == "-0.5,-1,-1,true,2026-02-02T07:00:01.513001+00:00"
        assert [line.split(",")[0] for line in lines[2:7]] == ["1.0", "", "1e-300", "-inf", "-0.0"]
        assert lines[2].split(",")[2] == ""
        assert lines[3].split(",")[1:3] == [str(2**62)] * 2

    def test_missing_is_an_empty_field_and_an_empty_text_is_quoted(self) -> None:
        table = pd.DataFrame({"a": pd.Series(["", None, "x"], dtype=schema.TEXT), "c": pd.Categorical([None, "", "y"])})
        assert export.csv_text(table) == '"a","c"\n"",\n,""\n"x","y"\n'

    @given(st.lists(st.floats(allow_nan=False), min_size=1))
    def test_a_float_is_written_as_python_writes_it(self, numbers: list[float]) -> None:
        text = export.csv_text(pd.DataFrame({"f": np.array(numbers, np.float64)}))
        assert text.split("\n")[1:-1] == [repr(number) for number in numbers]

    def test_a_column_name_is_neutralised_too(self, tmp_path: Path) -> None:
        table = pd.DataFrame({"=cmd|' /C calc'!A0": [1], 'a "b"\r\nc': [2], "": [3]})
        header = next(csv.reader(io.StringIO(export.csv_text(table), newline="")))
        assert header == ["'=cmd|' /C calc'!A0", 'a "b"\r\nc', ""]
        assert list(export.read_csv(export.write_csv(table, tmp_path / "t.csv")).columns) == list(table.columns)

    def test_excel_gets_a_byte_order_mark_and_nobody_else_does(self, tmp_path: Path) -> None:
        table = pd.DataFrame({"a": ["é"]})
        plain = export.write_csv(table, tmp_path / "a.csv").read_bytes()
        assert plain == '"a"\n"é"\n'.encode()
        marked = export.write_csv(table, tmp_path / "b.csv", excel=True)
        assert marked.read_bytes() == b"\xef\xbb\xbf" + plain
        assert_frame_equal(export.read_csv(marked), export.read_csv(tmp_path / "a.csv"))

    def test_a_lone_surrogate_is_written_as_the_replacement_character(self) -> None:
        table = pd.DataFrame({"a": pd.Series(["x\udfff", None, "=\ud800"], dtype=object)})
        table.columns = pd.Index(["a\ud800"], dtype=object)
        assert export.csv_text(table) == '"a\ufffd"\n"x\ufffd"\n\n"\'=\ufffd"\n'

    def test_a_table_of_many_chunks_is_the_same_as_its_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        jobs = edge_cases().jobs
        whole = export.csv_text(jobs)
        monkeypatch.setattr(export, "_ROWS", 7)
        assert export.csv_text(jobs) == whole

    def test_a_great_table_is_written_and_summed_in_little_memory(self, tmp_path: Path) -> None:
        table = pd.DataFrame({"a": pd.array([f"{number:0500}" for number in range(60_000)], schema.TEXT)})
        size = int(table.memory_usage(deep=True).sum())
        for step in (lambda: export.write_csv(table, tmp_path / "a.csv"), lambda: cell_sums(tmp_path / "a.csv")):
            tracemalloc.start()
            try:
                step()
                assert tracemalloc.get_traced_memory()[1] < size / 2
            finally:
                tracemalloc.stop()

    def test_the_table_given_is_not_changed(self) -> None:
        jobs = edge_cases().jobs
        before = jobs.copy(deep=True)
        export.csv_text(jobs)
        assert_frame_equal(jobs, before)


class TestRefusals:
    @pytest.mark.parametrize(
        ("table", "word"),
        [
            (pd.Series([1]), "Series"),
            (pd.DataFrame({"a": [1]}, index=pd.Index([5], name="k")), "reset_index"),
            (pd.DataFrame(), "columns"),
            (pd.DataFrame({0: [1]}), "columns"),
            (pd.DataFrame([[1, 2]], columns=["a", "a"]), "one name"),
            (pd.DataFrame({"a": [[1, 2]]}), "'a'"),
            (pd.DataFrame({"a": [1, "x"]}), "'a'"),
            (pd.DataFrame({"a": pd.to_timedelta([1], "s")}), "'a'"),
            (pd.DataFrame({"a": pd.Categorical([1])}), "'a'"),
        ],
    )
    def test_a_table_that_csv_cannot_hold_is_refused_by_name(
        self, table: pd.DataFrame, word: str, tmp_path: Path
    ) -> None:
        with pytest.raises(ArgumentError, match=re.escape(word)):
            export.write_csv(table, tmp_path / "t.csv")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("raw", "word"),
        [
            (b"", "empty"),
            (b'"a","b"\n1\n', "column"),
            (b'"a"\n"\xff"\n', "utf-8"),
            (b'"a","a"\n1,2\n', "one name"),
            (b'"=a","\'=a"\n1,2\n', "one name"),
        ],
    )
    def test_a_file_that_is_no_such_csv_is_refused_by_name(self, raw: bytes, word: str, tmp_path: Path) -> None:
        path = tmp_path / "t.csv"
        path.write_bytes(raw)
        with pytest.raises(ReadError, match=rf"(?is)t\.csv.*{word}"):
            export.read_csv(path)

    def test_a_file_that_is_not_there_is_a_read_error(self, tmp_path: Path) -> None:
        with pytest.raises(ReadError, match="nowhere"):
            export.read_csv(tmp_path / "nowhere.csv")

    @given(st.binary(max_size=60) | tricky.map(lambda text: text.encode("utf-8", "surrogatepass")))
    @settings(max_examples=300)
    def test_any_bytes_are_read_or_refused_as_a_read_error(self, folder: Path, raw: bytes) -> None:
        path = folder / "any.csv"
        path.write_bytes(raw)
        try:
            read = export.read_csv(path)
        except ReadError:
            return
        assert len(read.columns) > 0


class TestRoundTrip:
    @pytest.mark.parametrize("name", ["jobs", "rules", "problems", "job_rules"])
    @pytest.mark.parametrize("source", [edge_cases, load_sample, nothing])
    def test_each_table_comes_back_as_it_was(self, name: str, source: Callable[[], JobSet], tmp_path: Path) -> None:
        table = getattr(source(), name)
        table = table() if name == "job_rules" else table
        if len(table) > 5000:
            table = table.iloc[:5000].reset_index(drop=True)
        assert_frame_equal(export.read_csv(with_sidecar(tmp_path, f"{name}.csv", table)), table, check_exact=True)

    def test_the_tables_dtypes_are_known_without_columns_csv(self, tmp_path: Path) -> None:
        jobs = edge_cases().jobs
        read = export.read_csv(export.write_csv(jobs, tmp_path / "jobs.csv"))
        jobs["type"] = jobs["type"].cat.remove_unused_categories()
        assert_frame_equal(read, jobs, check_exact=True)
        assert read["outcome"].cat.categories.tolist() == list(schema.OUTCOMES)

    @given(
        texts=st.lists(whole_texts | st.none(), min_size=1, max_size=6),
        name=whole_texts,
        number=st.floats(),
        time=st.datetimes(),
    )
    @settings(max_examples=200)
    def test_any_table_comes_back_as_it_was(
        self, folder: Path, texts: list[str | None], name: str, number: float, time: object
    ) -> None:
        table = pd.DataFrame(
            {
                name: pd.Series(texts, dtype=schema.TEXT),
                name + "2": pd.Series(pd.Categorical(pd.Series(texts, dtype=schema.TEXT))),
                name + "3": number,
                name + "4": pd.Series([time] * len(texts), dtype="datetime64[us]"),
                name + "5": pd.Series([time] * len(texts), dtype="datetime64[us]").dt.tz_localize("UTC"),
            }
        )
        read = export.read_csv(with_sidecar(folder, "any.csv", table))
        assert_frame_equal(read, table, check_exact=True)

    @given(frame=frames_of_any_dtypes())
    @settings(max_examples=150)
    def test_a_frame_of_any_dtypes_comes_back_as_it_was(self, folder: Path, frame: pd.DataFrame) -> None:
        expected = frame.copy()
        for name in [name for name in frame if frame[name].dtype == object]:
            expected[name] = pd.Series([text if text is None else cells.mended(text) for text in frame[name]])
            expected[name] = expected[name].astype(schema.TEXT)
        read = export.read_csv(with_sidecar(folder, "frame.csv", frame))
        assert_frame_equal(read, expected, check_exact=True)

    @pytest.mark.parametrize(
        "values",
        [
            pd.array([1, None, -3], "Int64"),
            pd.array([1, 2, 255], "uint8"),
            pd.array([-(2**63), 0, 2**63 - 1], "int64"),
            np.array([0, 1, 2**64 - 1], np.uint64),
            pd.array([1.5, None, -3.25], "Float64"),
            np.array([0.1, np.nan, 3e38], np.float32),
            pd.array([True, None, False], "boolean"),
            np.array([True, False, True]),
            pd.Categorical(["b", None, "a"], categories=["c", "b", "a"], ordered=True),
            pd.to_datetime(["2026-01-01T00:00:00.123456789", None, "2026-01-02"], format="ISO8601").as_unit("ns"),
            pd.to_datetime(["2026-10-25T00:30Z", None, "2026-10-25T01:30Z"]).as_unit("s").tz_convert("Europe/Berlin"),
        ],
        ids=lambda values: str(values.dtype)[:30],
    )
    def test_columns_csv_brings_back_each_dtype(self, values: object, tmp_path: Path) -> None:
        table = pd.DataFrame({"x": values})
        if isinstance(values, pd.Categorical):
            table["x"] = table["x"].cat.rename_categories(pd.Index(["c", "b", "a"], dtype=schema.TEXT))
        assert_frame_equal(export.read_csv(with_sidecar(tmp_path, "t.csv", table)), table, check_exact=True)

    def test_a_file_of_many_blocks_comes_back_as_it_was(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        table = pd.DataFrame({"x": pd.Series(["a\n\nb,\r\n", '"\n"', None, ""] * 1000, dtype=schema.TEXT)})
        path = with_sidecar(tmp_path, "t.csv", table)
        monkeypatch.setattr(export, "_BLOCK", 2000)
        assert_frame_equal(export.read_csv(path), table)

    def test_a_file_without_columns_csv_is_guessed(self, tmp_path: Path) -> None:
        table = pd.DataFrame(
            {
                "whole": [1, -2],
                "gap": pd.array([1, None], "Int64"),
                "real": [1.0, 2.5e300],
                "yes": [True, False],
                "time": pd.to_datetime(["2026-01-01T00:00Z", "2026-01-02T00:00Z"]).as_unit("us"),
                "text": pd.Series(["007", "12"], dtype=schema.TEXT),
                "long": pd.Series(["1" * 40, "12"], dtype=schema.TEXT),
                "date": pd.Series(["2026-13-45T00:00:00+00:00"] * 2, dtype=schema.TEXT),
                "none": pd.Series([None, None], dtype=schema.TEXT),
            }
        )
        assert_frame_equal(export.read_csv(export.write_csv(table, tmp_path / "t.csv")), table)

    def test_categories_of_an_older_state_do_not_lose_a_value(self, tmp_path: Path) -> None:
        with_sidecar(tmp_path, "t.csv", pd.DataFrame({"x": pd.Categorical(["a"], ["z", "a"])}))
        export.write_csv(pd.DataFrame({"x": pd.Categorical(["new", "a"])}), tmp_path / "t.csv")
        read = export.read_csv(tmp_path / "t.csv")
        assert read["x"].tolist() == ["new", "a"]

    def test_a_columns_csv_of_somebody_else_is_passed_over(self, tmp_path: Path) -> None:
        (tmp_path / "columns.csv").write_text("width,height\n1,2\n")
        table = pd.DataFrame({"x": [1.5]})
        assert_frame_equal(export.read_csv(export.write_csv(table, tmp_path / "t.csv")), table)

    @pytest.mark.parametrize("dtype", ["object", "Int64; import os", "period[M]", "int8"])
    def test_a_dtype_that_does_not_fit_is_refused_with_file_and_column(self, dtype: str, tmp_path: Path) -> None:
        export.write_csv(pd.DataFrame({"x": ["word"]}), tmp_path / "t.csv")
        row = ("t.csv", "x", dtype, None, None, None)
        sidecar = pd.DataFrame([row], columns=[column.name for column in export.COLUMNS], dtype=schema.TEXT)
        export.write_csv(sidecar, tmp_path / "columns.csv")
        with pytest.raises(ReadError, match=r"t\.csv.*'x'"):
            export.read_csv(tmp_path / "t.csv")


class TestWriteAside:
    def test_a_file_is_its_owners_alone_from_the_first_byte(self, tmp_path: Path) -> None:
        modes = []

        def chunks() -> object:
            modes.extend(stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir())
            yield b"x"

        before = os.umask(0)
        try:
            path = files.write_aside(tmp_path / "a.bin", chunks())
        finally:
            os.umask(before)
        assert modes == [0o600]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [file.name for file in tmp_path.iterdir()] == ["a.bin"]

    @pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), MemoryError()])
    def test_a_failure_leaves_the_old_file_and_nothing_else(self, error: BaseException, tmp_path: Path) -> None:
        path = tmp_path / "a.bin"
        path.write_bytes(b"old")

        def chunks() -> object:
            yield b"new"
            raise error

        with pytest.raises(type(error)):
            files.write_aside(path, chunks())
        assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a.bin", b"old")]

    def test_a_full_disk_names_the_file_and_leaves_the_old_one(self, tmp_path: Path) -> None:
        path = export.write_csv(pd.DataFrame({"a": [1]}), tmp_path / "a.csv")
        old = path.read_bytes()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
        try:
            with pytest.raises(OSError, match=r"a\.csv"):
                export.write_csv(pd.DataFrame({"a": range(10_000)}), path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert path.read_bytes() == old
        assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]

    @pytest.mark.parametrize(
        ("kind", "word"),
        [("link", "symbolic"), ("dead", "symbolic"), ("hard", "hard"), ("fifo", "FIFO"), ("folder", "folder")],
    )
    def test_a_target_that_is_no_plain_file_is_refused_by_name(self, kind: str, word: str, tmp_path: Path) -> None:
        target, other = tmp_path / "t.csv", tmp_path / "other"
        if kind in ("link", "hard"):
            other.write_bytes(b"precious")
        make = {
            "link": lambda: target.symlink_to(other),
            "dead": lambda: target.symlink_to(other),
            "hard": lambda: target.hardlink_to(other),
            "fifo": lambda: os.mkfifo(target),
            "folder": target.mkdir,
        }
        make[kind]()
        before = sorted(file.name for file in tmp_path.iterdir())
        with pytest.raises(ArgumentError, match=rf"t\.csv.*{word}"):
            export.write_csv(pd.DataFrame({"a": [1]}), target)
        assert sorted(file.name for file in tmp_path.iterdir()) == before
        assert kind not in ("link", "hard") or other.read_bytes() == b"precious"

    @pytest.mark.parametrize("where", ["missing/t.csv", "file/t.csv"])
    def test_a_folder_that_is_not_there_is_named(self, where: str, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(OSError, match=r"t\.csv"):
            export.write_csv(pd.DataFrame({"a": [1]}), tmp_path / where)

    def test_the_longest_file_name_can_be_written(self, tmp_path: Path) -> None:
        assert files.write_aside(tmp_path / ("n" * 255), [b"x"]).read_bytes() == b"x"


def test_the_examples_in_the_docstrings_hold() -> None:
    import doctest

    for module in (cells, export):
        assert doctest.testmod(module).failed == 0
        assert doctest.testmod(module).attempted > 0
