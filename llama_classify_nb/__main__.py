"""The command line: ``llama-classify-nb demo``, ``fetch`` and ``report``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

import llama_classify_nb as lcn

from .texts import printable

_TEXT_WIDTH = 90
_MOST_FAILURES = 6


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; give its exit status: 0 done, 1 done but for some problems, 2 not done, 130 stopped."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except lcn.exceptions.FetchInterrupted as stopped:
        print(f"{stopped}. The same command goes on from there.", file=sys.stderr)
        return 130
    except lcn.exceptions.ClassifyError as error:
        print(f"llama-classify-nb: {error}", file=sys.stderr)
        return 2


def _demo(options: argparse.Namespace) -> int:
    with lcn.demo_server() as server:
        print(f"serving {len(server.job_ids):,} bundled jobs at {server.base_url}, on this machine only")
        with lcn.Client(server.api_key, base_url=server.base_url) as client:
            archive = options.archive or options.out.with_name(f"{options.out.name}.db")
            jobset = lcn.fetch_jobs(server.job_ids, client=client, archive=archive)
    return _tell(jobset, options.out)


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
        )
    return _tell(jobset, None)


def _report(options: argparse.Namespace) -> int:
    return _tell(lcn.read_jobs(options.jobs), options.out)


def _tell(jobset: lcn.JobSet, folder: Path | None) -> int:
    """Print what the jobs say, and write the report, if one is asked for."""
    print()
    print("\n".join(_summary(jobset)))
    if folder is not None:
        written = lcn.write_report(jobset, folder)
        print(f"\nReport: {len(written.paths)} files in {folder}")
        print(f"  tables     {folder / 'jobs.csv'} and others; {folder / 'columns.csv'} explains each column")
        print(f"  pictures   {folder / 'confidence_distribution.png'} and others, each also as SVG")
    return 1 if len(jobset.problems) else 0


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
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {lcn.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="fetch the bundled jobs from a server on this machine, and report on them")
    demo.add_argument("--out", type=Path, default=Path("report"), help="folder of the report (default: %(default)s)")
    demo.add_argument("--archive", type=Path, help="file that keeps the answers (default: OUT.db, beside the report)")
    demo.set_defaults(run=_demo)

    fetch = commands.add_parser(
        "fetch",
        help="fetch jobs from the service into an archive",
        description="Fetch jobs from the service into an archive. The key is read from LLAMA_CLOUD_API_KEY.",
    )
    fetch.add_argument("--archive", type=Path, required=True, help="file that keeps the answers, such as jobs.db")
    fetch.add_argument("--ids", type=Path, help="text file with the id of a job a line; else the filters say which")
    fetch.add_argument("--status", help="only jobs with this status, such as COMPLETED")
    fetch.add_argument("--configuration-id", help="only jobs of this saved configuration")
    fetch.add_argument("--created-after", metavar="TIME", help="only jobs created then or later, such as 2026-01-31")
    fetch.add_argument("--created-before", metavar="TIME", help="only jobs created then or earlier")
    fetch.add_argument("--project-id", help="the project, if it isn't the key's own")
    fetch.add_argument("--organization-id", help="the organization, if it isn't the key's own")
    fetch.add_argument("--limit", type=int, help="most jobs to fetch")
    fetch.add_argument("--refresh", action="store_true", help="ask again for finished jobs of the archive, too")
    fetch.add_argument("--region", help="us, eu, or the host of the service")
    fetch.add_argument("--base-url", help="address of the service, in place of a region")
    fetch.set_defaults(run=_fetch)

    report = commands.add_parser("report", help="report on the jobs of an archive or of files")
    report.add_argument(
        "jobs", type=Path, help="an archive, a file of jobs (JSON, JSON Lines, gzip), or a folder of them"
    )
    report.add_argument("--out", type=Path, default=Path("report"), help="folder of the report (default: %(default)s)")
    report.set_defaults(run=_report)
    return parser


if __name__ == "__main__":
    sys.exit(main())
