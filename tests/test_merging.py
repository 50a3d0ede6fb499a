"""Archives of several fetches, made one: of each job the newest answer stays, in whatever order they are given."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

import llama_classify_nb as lcn
from llama_classify_nb.exceptions import ArchiveError, ArgumentError
from llama_classify_nb.records import Answer


def archived(path: Path, *answers: tuple[str, int | None, bool], service: str | None = None) -> Path:
    with lcn.Archive(path, service=service) as archive:
        for job_id, updated_us, final in answers:
            body = json.dumps({"id": job_id, "of": path.name}).encode()
            archive.put([Answer(job_id, body, 0, b"", updated_us, final)])
    return path


def held(path: Path) -> dict[str, str]:
    with lcn.Archive(path) as archive:
        return {
            job_id: json.loads(body)["of"]
            for job_id, body in zip(archive.ids(), archive.bodies(archive.ids()), strict=True)
        }


@pytest.mark.parametrize("order", list(itertools.permutations("abc")))
def test_the_newest_answer_of_each_job_stays_in_any_order(order: tuple[str, ...], tmp_path: Path) -> None:
    archived(tmp_path / "a", ("one", 1, True), ("two", 5, True), ("three", 1, False))
    archived(tmp_path / "b", ("one", 2, True), ("two", 4, True), ("four", None, True))
    archived(tmp_path / "c", ("three", 1, True))
    merged = lcn.merge_archives([tmp_path / name for name in order], tmp_path / "all.db")
    assert held(merged) == {"one": "b", "two": "a", "three": "c", "four": "b"}
    assert held(tmp_path / "a") == {"one": "a", "two": "a", "three": "a"}


def test_an_archive_takes_more_and_once_more_changes_nothing(tmp_path: Path) -> None:
    all_of_it = archived(tmp_path / "all.db", ("one", 3, True), ("five", 1, True))
    archived(tmp_path / "a", ("one", 1, True), ("two", 5, True))
    for _ in range(2):
        lcn.merge_archives([tmp_path / "a"], all_of_it)
        assert held(all_of_it) == {"one": "all.db", "five": "all.db", "two": "a"}


def test_the_service_is_kept_and_another_is_refused(tmp_path: Path) -> None:
    archived(tmp_path / "a", ("one", 1, True), service="https://one")
    archived(tmp_path / "b", ("two", 1, True), service="https://other")
    archived(tmp_path / "c", ("three", 1, True))
    lcn.merge_archives([tmp_path / "c", tmp_path / "a"], tmp_path / "all.db")
    assert lcn.Archive(tmp_path / "all.db").service == "https://one"
    with pytest.raises(ArchiveError, match=r"b: holds jobs of https://other, and others of https://one"):
        lcn.merge_archives([tmp_path / "a", tmp_path / "b"], tmp_path / "both.db")
    with pytest.raises(ArchiveError, match="holds jobs of https://one"):
        lcn.merge_archives([tmp_path / "b"], tmp_path / "all.db")


def test_what_can_not_be_merged_is_refused(tmp_path: Path) -> None:
    archived(tmp_path / "a", ("one", 1, True))
    with pytest.raises(ArgumentError, match="archives is empty"):
        lcn.merge_archives([], tmp_path / "all.db")
    with pytest.raises(ArgumentError, match="give a list of paths"):
        lcn.merge_archives(str(tmp_path / "a"), tmp_path / "all.db")
    with pytest.raises(ArgumentError, match="one of those to merge"):
        lcn.merge_archives([tmp_path / "a"], tmp_path / "a")
    with pytest.raises(ArchiveError, match="nowhere: no such archive"):
        lcn.merge_archives([tmp_path / "nowhere"], tmp_path / "all.db")
    assert not (tmp_path / "nowhere").exists()
    assert not (tmp_path / "all.db").exists()
