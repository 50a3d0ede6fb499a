"""Labels from files: what people say the types are."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pandas as pd

from . import label_log, label_records, schema
from .cells import restore
from .exceptions import ArgumentError, ReadError

KEYS = ("job_id", "file_input")
# Columns that are read as something else than text.
_NUMBER = "inclusion_probability"
_BOOLEANS = ("seen_prediction", "blind")
_YES, _NO = ("true", "yes", "y", "1"), ("false", "no", "n", "0")
_SEPARATORS = (",", ";", "\t")


def read_labels(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read labels from a CSV file: one of your own, or the one that ``review`` keeps.

    Parameters
    ----------
    path : path-like
        A CSV file in UTF-8, with or without a byte order mark; cells parted by commas, semicolons or tabs. It has a
        header: ``label`` and ``job_id`` or ``file_input``; optionally ``reviewer``, ``seen_prediction``,
        ``inclusion_probability``, ``stage``, ``blind``, and any others.

    Returns
    -------
    DataFrame
        The same columns, as text; ``inclusion_probability`` as float64; ``seen_prediction`` and ``blind`` as boolean.
        An empty cell is missing; a type called NA stays one. An apostrophe that guards a spreadsheet against a text
        like ``=1+1`` is taken off, and so are blanks around names and cells.

        Of a file that ``review`` keeps: a row for each job and reviewer, what this reviewer said last and didn't take
        back, with the columns ``label_records.COLUMNS``; ``time`` as datetime64[us, UTC]. Where a reviewer couldn't
        tell, ``label`` is missing, and metrics pass over it; ``"(no rule fits)"`` is a label that no rule names, so
        that metrics take a missing answer for right. Jobs that were skipped have no row. Only labels of jobs that were
        drawn at random speak for all jobs: ``labels[labels["inclusion_probability"].notna()]``.

    Raises
    ------
    ArgumentError
        If ``path`` isn't one.
    ReadError
        If the file can't be read, or a column is lacking or of another kind.

    Warns
    -----
    UserWarning
        If the file of ``review`` holds a line that is no record, as after a crash; it is left out.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
    ...     for line in ("job_id;label", "job-1;invoice", "job-2;"):
    ...         print(line, file=file, flush=True)
    ...     read_labels(file.name)
      job_id    label
    0  job-1  invoice
    1  job-2      NaN
    """
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(f"path is a {type(path).__name__}: give the path of a CSV file of labels")
    path = Path(path)
    if not path.is_file():
        raise ReadError(f"{path}: {'a folder' if path.is_dir() else 'no such file'}; give the path of a CSV file")
    try:
        log = label_log.read(path)
        if log is not None:
            return _standing(path, log)
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline()
        separator = max(_SEPARATORS, key=header.count)
        table = pd.read_csv(
            path, sep=separator, dtype=schema.TEXT, keep_default_na=False, na_values=[""], encoding="utf-8-sig"
        )
    except UnicodeDecodeError:
        raise ReadError(f"{path}: not text in UTF-8; in a spreadsheet, save it as CSV UTF-8") from None
    except pd.errors.EmptyDataError:
        raise ReadError(
            f"{path}: empty; its first line must name the columns: label, and job_id or file_input"
        ) from None
    except (OSError, ValueError) as error:
        raise ReadError(f"{path}: can't be read as a CSV file of labels: {error}") from None
    table.columns = [str(name).strip() for name in table.columns]
    columns = ", ".join(table.columns)
    if "label" not in table.columns:
        raise ReadError(f"{path}: no column is called 'label'; its first line says: {columns}")
    if not set(KEYS) & set(table.columns):
        raise ReadError(f"{path}: no column is called 'job_id' or 'file_input'; its first line says: {columns}")
    for name in table.columns:
        table[name] = _typed(path, name, table[name].str.strip().replace("", None), separator)
    return table


def _typed(path: Path, name: str, cells: pd.Series, separator: str) -> pd.Series:
    """Give the cells of a column as what the column holds."""
    if name == _NUMBER:
        # Where semicolons part the cells, it's because commas are in the numbers.
        plain = cells if separator == "," else cells.str.replace(",", ".", regex=False)
        try:
            return plain.astype("float64")
        except ValueError as error:
            raise ReadError(f"{path}: the column {name!r} must hold numbers: {error}") from None
    if name in _BOOLEANS:
        said = cells.str.lower()
        odd = said[~said.isin([*_YES, *_NO]) & said.notna()]
        if len(odd):
            raise ReadError(f"{path}: the column {name!r} must say true or false, not {odd.iloc[0]!r}")
        return said.map(dict.fromkeys(_YES, True) | dict.fromkeys(_NO, False)).astype("boolean")
    return cells.map(restore, na_action="ignore").astype(schema.TEXT)


def _standing(path: Path, log: label_records.Parsed) -> pd.DataFrame:
    said = list(log.faults)
    if log.torn is not None:
        said.append("its last record was cut short, as by a crash, and is left out")
    for one in said:
        warnings.warn(f"{path}: {one}", UserWarning, stacklevel=3)
    return label_records.frame(label_records.standing(log.records))


def load_sample_labels() -> pd.DataFrame:
    """Give the labels of the bundled jobs: 5,844 of the 5,992.

    ``data/README.md`` tells where they come from, and that a published audit found about 8 % of them wrong.

    Returns
    -------
    DataFrame
        ``job_id``, ``file_input``, ``label``, as text.

    Examples
    --------
    >>> load_sample_labels()["label"].value_counts().head(2).to_dict()
    {'memo': 1030, 'email': 990}
    """
    from .demo import sample_labels_path

    return read_labels(sample_labels_path())
