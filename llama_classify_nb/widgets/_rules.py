"""The rules that a job was judged by."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..metrics._texts import some_rows


def rules_of(rules: pd.DataFrame, rule_set: Any) -> pd.DataFrame:
    """Give the rows of one rule set; there may be a million sets, so only numbers are compared for each rule."""
    column = rules["rule_set"]
    if isinstance(column.dtype, pd.CategoricalDtype):
        code = np.flatnonzero(column.cat.categories == rule_set)
        rows = np.flatnonzero(column.cat.codes.to_numpy() == (code[0] if len(code) else len(column)))
    else:
        rows = np.flatnonzero((column == rule_set).to_numpy(dtype=bool, na_value=False))
    if len(rows) and rows[-1] - rows[0] + 1 == len(rows):
        return rules.iloc[rows[0] : rows[-1] + 1]  # one after another, as the reader makes them: nothing is copied
    return some_rows(rules, rows)
