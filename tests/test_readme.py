"""The README: every block of code is run, every table is true, every public name is in it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import llama_classify_nb as lcn
from llama_classify_nb import schema
from llama_classify_nb.__main__ import main
from llama_classify_nb.demo import sample_jobs

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^( *)```(\w*)\n(.*?)^ *```$", README, re.MULTILINE | re.DOTALL)
CELLS = [text for _, language, text in BLOCKS if language == "python"]
COMMANDS = [text for _, language, text in BLOCKS if language == "sh"]
#: Blocks that .ci/run takes from these sections and runs in a fresh environment.
OF_CI = ("llama_classify_nb", "Tests")


def section(title: str) -> str:
    return re.split(r"^##? ", README.partition(f"# {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def in_ci(block: str) -> bool:
    return any(block in section(title) for title in OF_CI)


def test_no_block_of_code_is_of_another_kind() -> None:
    assert {language for _, language, _ in BLOCKS} == {"python", "sh"}
    assert README.count("```") == 2 * len(BLOCKS)
    prose = re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)
    assert not re.search(r"^(~~~|    \S)", prose, re.MULTILINE)  # the other ways to write code in Markdown


def test_its_cells_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib as mpl

    monkeypatch.chdir(tmp_path)
    assert len([line for line in CELLS[0].split("\n") if line]) == 8
    names: dict[str, object] = {}
    with mpl.rc_context({"backend": "agg"}):
        for cell in CELLS:
            exec(cell, names)  # noqa: S102 - the README's own
        mpl.pyplot.close("all")
    assert (tmp_path / "report" / "jobs.csv").is_file()


def run_line(line: str) -> list[int]:
    """Run a line of commands as a shell or cron would, in this process; give their exit statuses."""
    line = re.sub(r"^[\d*]+( +[\d*]+){4} +", "", line)  # when cron is to run it
    statuses = []
    for command in re.split(r" && |; ", line):
        name, *arguments = shlex.split(command)
        if name in ("cd", "."):
            continue  # where the key and the archive are on somebody else's machine
        assert name == "llama-classify-nb", f"no test runs {command!r}"
        statuses.append(main(arguments))
    return statuses


@pytest.mark.parametrize("block", [block for block in COMMANDS if not in_ci(block)])
def test_its_commands_run(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("llama_classify_nb.report.writing.pictures", lambda *_: [])  # drawn in the cells above
    lcn.load_sample_labels().to_csv("labels.csv", index=False)
    with lcn.demo_server(sample_jobs()[:40]) as server:
        monkeypatch.setenv("LLAMA_CLOUD_API_KEY", server.api_key)
        monkeypatch.setenv("LLAMA_CLOUD_BASE_URL", server.base_url)
        Path("ids.txt").write_text("\n".join(server.job_ids))
        for line in block.splitlines():
            assert set(run_line(line)) == {0}, line
    assert (tmp_path / "report" / "index.html").is_file()


def test_ci_runs_the_commands_that_install() -> None:
    ci = (ROOT / ".ci" / "run").read_text()
    for title in OF_CI:
        assert "```sh" in section(title)
        assert f"block '{title}'" in ci
    assert [block for block in COMMANDS if "pip install" in block and not in_ci(block)] == []


def test_its_tables_say_what_the_schema_says() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", section("The tables"), re.MULTILINE)
    expected = [
        tuple(column[:3]) for table in ("jobs", "rules", "job_rules", "problems") for column in schema.TABLES[table]
    ]
    assert rows == expected


def test_its_menu_names_every_metric_and_says_which_have_a_picture() -> None:
    named, drawn = [], []
    for functions, picture in re.findall(r"^\| .+\? \| (`.+`) \| (.+) \|$", section("What you can ask"), re.MULTILINE):
        names = re.findall(r"`(\w+)\(", functions)
        named += names
        drawn += {"–": [], "yes": names, "all": names}.get(picture, re.findall(r"`(\w+)`", picture))
    assert sorted(named) == sorted(lcn.metrics.__all__)
    assert sorted(drawn) == sorted(lcn.plots.__all__)


def test_every_public_name_is_in_it() -> None:
    assert [name for name in lcn.__all__ if not re.search(rf"\b{name}\b", README)] == []


def test_what_it_points_to_is_there() -> None:
    for path in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / path).is_file(), path
    for name in re.findall(r"`((?:tests|notebooks|data|llama_classify_nb)/[\w./-]+|test_\w+\.py)`", README):
        assert (ROOT / name).exists() or (ROOT / "tests" / name).exists(), name
    for name in re.findall(r"`(\d\d-[\w-]+)(?:\.ipynb)?`", README):
        assert (ROOT / "notebooks" / f"{name}.ipynb").is_file(), name
