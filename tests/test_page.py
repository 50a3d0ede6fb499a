"""The report's page: one file that tells in sentences, loads nothing, runs nothing, and reads well in a browser."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import llama_classify_nb as lcn
from llama_classify_nb.demo import sample_jobs
from llama_classify_nb.report import Report, pictures

browser = pytest.importorskip("browser")

HOSTILE = '<img src=x onerror="window.__pwned=1"></td><script>window.__pwned=1</script>&amp;{{7*7}} \u202eback'


class Reader(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text: list[str] = []
        self._hidden = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def hostile_jobs(folder: Path) -> lcn.JobSet:
    job = json.loads(sample_jobs()[0])
    rules = [{"type": HOSTILE[:40], "description": HOSTILE}, *job["configuration"]["rules"]]
    shared = {**job, "configuration": {**job["configuration"], "rules": rules}, "file_input": HOSTILE}
    answers = [
        {**shared, "id": f"job-{number}", "status": "COMPLETED"}
        | {"result": {"type": HOSTILE[:40], "confidence": number / 10, "reasoning": HOSTILE}}
        for number in range(5)
    ]
    failed = {**shared, "id": "failed", "status": "FAILED", "result": None, "error_message": HOSTILE}
    path = folder / "jobs.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in [*answers, failed]), encoding="utf-8")
    return lcn.read_jobs(path)


@pytest.fixture(scope="module")
def pages(labelled_report: Report, sample: lcn.JobSet, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    hostile = hostile_jobs(folder)
    of_hostile = pd.DataFrame({"job_id": ["job-1", "job-2"], "label": [HOSTILE, "memo"]})
    written = {"labelled": labelled_report, "hostile": lcn.write_report(hostile, folder / "hostile", labels=of_hostile)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "_rendered", lambda _: {"svg": b"<svg ></svg>"})
        few = SimpleNamespace(jobs=sample.jobs.iloc[::20], rules=sample.rules, problems=sample.problems)
        written["unlabelled"] = lcn.write_report(few, folder / "unlabelled")
    return {name: report.folder / "index.html" for name, report in written.items()}


@pytest.mark.parametrize("name", ["unlabelled", "labelled", "hostile"])
def test_the_page_holds_no_script_and_loads_nothing(name: str, pages: dict[str, Path]) -> None:
    text = pages[name].read_text(encoding="utf-8")
    read = Reader(text)
    assert not {"script", "iframe", "object", "embed", "link", "img", "form", "foreignobject"} & set(read.tags)
    assert not [one for one in read.attributes if one[1].startswith("on")]
    addresses = [value or "" for _, key, value in read.attributes if key in ("href", "src", "xlink:href")]
    assert all(re.fullmatch(r"#[\w.-]+|\w+\.csv|data:image/png;base64,[\w+/=\s]+", one) for one in addresses)
    policy = next(
        value or "" for tag, key, value in read.attributes if tag == "meta" and "default-src" in (value or "")
    )
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy
    assert not re.search(r"url\((?!#)|@import", text)


@pytest.mark.parametrize("name", ["unlabelled", "labelled", "hostile"])
def test_every_id_is_there_once_and_every_link_leads_somewhere(name: str, pages: dict[str, Path]) -> None:
    read = Reader(pages[name].read_text(encoding="utf-8"))
    ids = Counter(value for _, key, value in read.attributes if key == "id")
    assert max(ids.values()) == 1
    for _, key, value in read.attributes:
        if key in ("href", "xlink:href") and value and not value.startswith("data:"):
            assert value[1:] in ids if value.startswith("#") else (pages[name].parent / value).is_file()


def test_texts_of_strangers_stay_texts(pages: dict[str, Path]) -> None:
    told = " ".join(Reader(pages["hostile"].read_text(encoding="utf-8")).text)
    assert "<script>window.__pwned=1</script>" in told
    assert "{{7*7}}" in told
    assert "\u202e" not in told


def test_the_page_tells_the_main_numbers_in_words(pages: dict[str, Path]) -> None:
    told = " ".join(" ".join(Reader(pages["labelled"].read_text(encoding="utf-8")).text).split())
    told = told.replace("\N{NO-BREAK SPACE}", " ")
    for sentence in (
        "This report is of 5,992 jobs made from 2026-02-02 to 2026-03-09, with 2 rule sets of 3 saved configurations, "
        "which name 10 types.",
        "In short 5,786 jobs of 5,992 ended with an answer (96.6 %).",
        "192 jobs failed, 3.2 % (95 % interval 2.8 % to 3.7 %), most often with “EmptyPage",
        "5,529 got a type (92.3 %), 257 got the answer that no rule matches (4.3 %), 192 failed (3.2 %)",
        "The commonest type is “memo” with 1,080 answers, 18.7 % (95 % interval 17.7 % to 19.7 %).",
        "Answers with a confidence of",
    ):
        assert sentence in told, sentence
    assert "No labels were given" not in told
    untold = pages["unlabelled"].read_text(encoding="utf-8")
    assert "How many of the answers are right is not known: no labels were given." in untold
    assert "No labels were given: nothing here says how many answers are right." in untold


@pytest.mark.browser
@pytest.mark.skipif(not browser.CHROMIUM and not os.environ.get("CI"), reason="no chromium found")
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_a_browser_shows_it_without_script_or_network(
    width: int, scheme: str, pages: dict[str, Path], tmp_path: Path
) -> None:
    with browser.browser(width=width) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.emulate_media(color_scheme=scheme)
        for name in ("hostile", "labelled"):
            page.goto(pages[name].as_uri())
            assert page.evaluate("() => window.__pwned") is None
            is_wide = page.evaluate("() => document.documentElement.scrollWidth > document.documentElement.clientWidth")
            assert not is_wide, "the page scrolls sideways"
            assert browser.serious_faults(page, "body") == []
        assert [url for url in asked if not url.startswith("file:")] == []
        assert len(asked) == 2
