"""The rules that a job was judged by."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..metrics._texts import some_rows


def rules_of(rules: pd.DataFrame, rule_set: Any) -> pd.DataFrame:
    """Give the rows of one rule set; there may be a million sets, so only numbers are compared for each rule."""
    column = rules["rule_set"]
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return some_rows(rules, np.flatnonzero((column == rule_set).to_numpy(dtype=bool, na_value=False)))
    code = np.flatnonzero(column.cat.categories == rule_set)
    return some_rows(rules, np.flatnonzero(column.cat.codes.to_numpy() == (code[0] if len(code) else len(column))))
