"""The command line: ``llama-classify-nb demo``, ``fetch``, ``report`` and ``verify``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

import llama_classify_nb as lcn

from .export import csv_chunks
from .texts import printable

_TEXT_WIDTH = 90
_MOST_FAILURES = 6
_TABLES = ("jobs", "rules", "problems")
_EPILOGUE = """\
exit status:
  0    done, and nothing is amiss
  1    done, but some jobs could not be had, or a report does not agree with itself
  2    not done: a wrong argument, no key, a file that can't be read or written
  130  stopped; the same command goes on from there

Progress goes to standard error, what is found to standard output; with --csv - the table alone does.
"""
_FETCH = """\
Fetch jobs from the service into an archive. The key is read from LLAMA_CLOUD_API_KEY, the address from
LLAMA_CLOUD_BASE_URL or --region. Finished jobs of the archive are not asked for again.
"""
_FETCH_EXAMPLES = """\
examples:
  llama-classify-nb fetch --ids ids.txt --archive jobs.db
  llama-classify-nb fetch --created-after 2026-01-01 --status FAILED --archive failed.db
  llama-classify-nb fetch --ids ids.txt --archive jobs.db --quiet --csv - > jobs.csv
"""
_REPORT_EXAMPLES = """\
examples:
  llama-classify-nb report jobs.db --out report
  llama-classify-nb report jobs.db --out report --labels labels.csv --target 0.95
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; give its exit status: 0 done, 1 done but for some problems, 2 not done, 130 stopped."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except lcn.exceptions.FetchInterrupted as stopped:
        print(f"{stopped}. The same command goes on from there.", file=sys.stderr)
        return 130
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read the table has had enough; what is still in the buffer must not raise at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (lcn.exceptions.ClassifyError, OSError) as error:
        print(f"llama-classify-nb: {printable(str(error))}", file=sys.stderr)
        return 2


def _demo(options: argparse.Namespace) -> int:
    with lcn.demo_server() as server:
        _say(options, f"serving {len(server.job_ids):,} bundled jobs at {server.base_url}, on this machine only")
        with lcn.Client(server.api_key, base_url=server.base_url) as client:
            archive = options.archive or options.out.with_name(f"{options.out.name}.db")
            jobset = lcn.fetch_jobs(server.job_ids, client=client, archive=archive, progress=not options.quiet)
    return _tell(jobset, options, options.out)


def _fetch(options: argparse.Namespace) -> int:
    with lcn.Client(base_url=options.base_url, region=options.region) as client:
        jobset = lcn.fetch_jobs(
            options.ids,
            client=client,
            archive=options.archive,
            status=options.status,
            configuration_id=options.configuration_id,
            created_after=options.created_after,
            created_before=options.created_before,
            project_id=options.project_id,
            organization_id=options.organization_id,
            limit=options.limit,
            refresh=options.refresh,
            progress=not options.quiet,
        )
    return _tell(jobset, options, None)


def _report(options: argparse.Namespace) -> int:
    return _tell(lcn.read_jobs(options.jobs), options, options.out)


def _verify(options: argparse.Namespace) -> int:
    found = lcn.verify_report(options.folder)
    for row in found.head(options.most).to_dict("records"):
        _say(options, _disagreement(row))
    if len(found) > options.most:
        _say(options, f"... and {len(found) - options.most:,} more")
    if options.csv is not None:
        _write_table(found, options.csv)
    _say(options, f"{options.folder}: {'all well' if found.empty else f'{len(found):,} disagreements'}")
    return 0 if found.empty else 1


def _disagreement(row: dict[Any, Any]) -> str:
    place = printable(row["file"], 60)
    place += "" if pd.isna(row["row"]) else f", row {row['row']}"
    if not pd.isna(row["column"]):
        place += f", column {printable(row['column'], 60)}: {_cell(row['found'])}"
    place += "" if pd.isna(row["expected"]) else f", expected {_cell(row['expected'])}"
    return f"{place}: {printable(row['message'])}"


def _cell(value: Any) -> str:
    return "empty" if pd.isna(value) else repr(printable(str(value), 60))


def _tell(jobset: lcn.JobSet, options: argparse.Namespace, folder: Path | None) -> int:
    """Say what the jobs say, and write the report and the table that are asked for."""
    _say(options, "\n" + "\n".join(_summary(jobset)))
    if folder is not None:
        labels = None if getattr(options, "labels", None) is None else lcn.read_labels(options.labels)
        settings = {name: getattr(options, name) for name in ("target", "assurance", "as_of", "excel")}
        written = lcn.write_report(jobset, folder, labels=labels, **settings)
        _say(options, f"\nReport: {len(written.paths)} files in {folder}")
        _say(options, f"  page       {folder / 'index.html'} tells what was found")
        _say(options, f"  tables     {folder / 'jobs.csv'} and others; {folder / 'columns.csv'} explains each column")
        _say(options, f"  pictures   {folder / 'confidence_distribution.png'} and others, each also as SVG")
    if options.csv is not None:
        _write_table(getattr(jobset, options.table), options.csv)
    return 1 if len(jobset.problems) else 0


def _say(options: argparse.Namespace, text: str) -> None:
    """Print, unless asked to be quiet; beside a table on standard output, as an error would be."""
    if not options.quiet:
        print(text, file=sys.stderr if options.csv == "-" else sys.stdout)


def _write_table(table: pd.DataFrame, path: str) -> None:
    if path == "-":
        # In UTF-8 like the files, whatever the terminal or cron is set to; and never the whole of it at once.
        sys.stdout.flush()
        sys.stdout.buffer.writelines(csv_chunks(table))
        sys.stdout.buffer.flush()
    else:
        lcn.write_csv(table, path)


def _summary(jobset: lcn.JobSet) -> Iterator[str]:
    yield from _counts("Jobs by outcome", lcn.metrics.status_breakdown(jobset.jobs), "outcome")
    yield ""
    yield from _counts("Answers by type", lcn.metrics.type_breakdown(jobset.jobs), "type")
    failures = lcn.metrics.failure_templates(jobset.jobs)
    if len(failures):
        yield ""
        yield from _counts("Commonest failures", failures.head(_MOST_FAILURES), "template")
        if len(failures) > _MOST_FAILURES:
            yield f"  … and {len(failures) - _MOST_FAILURES} more"
    if len(jobset.problems):
        yield ""
        yield "Asked for, but not had"
        for kind, count in jobset.problems["kind"].value_counts().items():
            if count:
                yield f"  {count:>7,}         {kind}"
    if jobset.notes:
        yield ""
        yield from (f"Note: {note}" for note in jobset.notes)


def _counts(title: str, table: pd.DataFrame, column: str) -> Iterator[str]:
    """Give a table of counts as lines; texts of jobs are made harmless to a terminal."""
    yield title
    for row in table.to_dict("records"):
        if row["count"]:
            # No type, no matching rule: its name is the outcome.
            text = row["outcome"] if pd.isna(row[column]) else row[column]
            name = printable(str(text), _TEXT_WIDTH)
            if row.get("status") in {"PENDING", "RUNNING"}:
                name += f" ({row['status'].lower()})"
            yield f"  {row['count']:>7,}  {row['share']:>6.1%}  {name}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="llama-classify-nb",
        description="Fetch LlamaCloud Classify jobs in bulk, and report how far to trust them.",
        epilog=_EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {lcn.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, summary: str, description: str = "", examples: str = "") -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = commands.add_parser(
            name,
            help=summary,
            description=description or f"{summary[:1].upper()}{summary[1:]}.",
            epilog=f"{examples}\n{_EPILOGUE}" if examples else _EPILOGUE,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.add_argument("--quiet", action="store_true", help="tell nothing but errors")
        return made

    demo = command("demo", "fetch the bundled jobs from a server on this machine, and report on them")
    _add_report_options(demo)
    demo.add_argument("--archive", type=Path, help="file that keeps the answers (default: OUT.db, beside the report)")
    demo.set_defaults(run=_demo)

    fetch = command("fetch", "fetch jobs from the service into an archive", _FETCH, _FETCH_EXAMPLES)
    _add_fetch_options(fetch)
    fetch.set_defaults(run=_fetch)

    report = command("report", "report on the jobs of an archive or of files", examples=_REPORT_EXAMPLES)
    report.add_argument(
        "jobs", type=Path, help="an archive, a file of jobs (JSON, JSON Lines, gzip), or a folder of them"
    )
    report.add_argument("--labels", type=Path, help="CSV file of what people say: job_id (or file_input) and label")
    _add_report_options(report)
    report.set_defaults(run=_report)

    verify = command("verify", "compute every number of a report again, and name each cell that disagrees")
    verify.add_argument("folder", type=Path, help="a folder that `report` wrote")
    verify.add_argument("--most", type=int, default=20, help="most disagreements to print (default: %(default)s)")
    verify.add_argument("--csv", metavar="FILE", help="write all of them as a table; - is standard output")
    verify.set_defaults(run=_verify)
    return parser


def _add_table_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--csv", metavar="FILE", help="also write a table as CSV; - is standard output")
    parser.add_argument("--table", choices=_TABLES, default="jobs", help="which table --csv writes (default: jobs)")


def _add_report_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("report"), help="folder of the report (default: %(default)s)")
    parser.add_argument("--target", type=float, default=0.95, help="share of right answers above a threshold")
    parser.add_argument("--assurance", type=float, default=0.95, help="probability that what is promised holds")
    parser.add_argument("--as-of", metavar="TIME", help="the time it speaks of (default: the newest job's)")
    parser.add_argument("--excel", action="store_true", help="mark the CSV files as UTF-8 in the way that Excel needs")
    _add_table_options(parser)


def _add_fetch_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--archive", type=Path, required=True, help="file that keeps the answers, such as jobs.db")
    parser.add_argument("--ids", type=Path, help="text file with the id of a job a line; else the filters say which")
    parser.add_argument("--status", help="only jobs with this status, such as COMPLETED")
    parser.add_argument("--configuration-id", help="only jobs of this saved configuration")
    parser.add_argument("--created-after", metavar="TIME", help="only jobs created then or later, such as 2026-01-31")
    parser.add_argument("--created-before", metavar="TIME", help="only jobs created then or earlier")
    parser.add_argument("--project-id", help="the project, if it isn't the key's own")
    parser.add_argument("--organization-id", help="the organization, if it isn't the key's own")
    parser.add_argument("--limit", type=int, help="most jobs to fetch")
    parser.add_argument(
        "--refresh",
        nargs="?",
        const="all",
        default="unfinished",
        choices=("unfinished", "all", "none"),
        help="which jobs of the archive to ask for again (default: %(default)s; without a word: all)",
    )
    parser.add_argument("--region", help="us, eu, or the host of the service")
    parser.add_argument("--base-url", help="address of the service, in place of a region")
    _add_table_options(parser)


if __name__ == "__main__":
    sys.exit(main())
