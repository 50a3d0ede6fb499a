"""The pictures of a report, each as PNG and SVG, the same bytes for the same jobs."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ..plots.calibration import draw_calibration_curve, draw_risk_coverage_curve
from ..plots.confidence import draw_confidence_by_type, draw_confidence_distribution
from ..plots.drift import draw_confidence_drift, draw_type_drift
from ..plots.failure_causes import draw_failure_causes
from ..plots.failures import draw_failure_rates, draw_failure_templates
from ..plots.outcomes import draw_status_breakdown
from ..plots.over_time import draw_jobs_over_time
from ..plots.rule_overlap import draw_rule_overlap
from ..plots.rule_usage import draw_rule_usage
from ..plots.scores import draw_confusion_matrix, draw_scores_by_type
from ..plots.shares import draw_corrected_type_shares
from ..plots.threshold import draw_precision_threshold
from ..plots.types import draw_type_breakdown
from .contents import Arguments, Tables

# Whatever could make the same picture come out differently: a clock, a random salt, the name of a version.
_FORMATS: dict[str, dict[str, Any]] = {
    "png": {"dpi": 150, "metadata": {"Software": None}},
    "svg": {"dpi": 150, "metadata": {"Date": None, "Creator": None}},
}
# Of more bars, dots and corners than these, they are one image within the drawing: as paths, they would be most of the
# page.
_MOST_PIECES = 2_000
_ABOVE_AREAS = 1.2  # what covers an area stands at 1 to 1.2, axes and lines above
# Height of a labelled row in inches, where two lines of text must find room in it.
_ROW = {"confusion_matrix": 0.42, "rule_overlap": 0.42}
#: How a picture is drawn: from the tables of the report, how many jobs they are of, and its arguments, on Axes.
Draw = Callable[[Tables, int, Arguments, Any], Any]


def _of(name: str, draw: Callable[..., Any], **options: Any) -> tuple[str, Draw]:
    return name, lambda tables, n_jobs, _, ax: draw(tables[name], n_jobs, ax=ax, **options)


def _overlap(tables: Tables, n_jobs: int, _: Arguments, ax: Any) -> Any:
    """Draw the pairs of the rule set that most jobs ran with."""
    sets, table = tables["rule_sets"], tables["rule_overlap"]
    if len(sets):
        most = sets.iloc[int(sets["n_jobs"].argmax())]
        table = table[table["rule_set"] == most["rule_set"]]
    n = int(most["n_jobs"]) if len(sets) else 0
    return draw_rule_overlap(table, n_jobs, n_of_set=n, n_sets=len(sets), ax=ax)


def _threshold(tables: Tables, n_jobs: int, arguments: Arguments, ax: Any) -> Any:
    found, curve = tables["precision_threshold"], tables["risk_coverage_curve"]
    target, assurance = arguments.target, arguments.assurance
    return draw_precision_threshold(found, curve, n_jobs, target=target, assurance=assurance, ax=ax)


#: Drawn in every report, in the order of its files.
OF_JOBS: dict[str, Draw] = dict(
    [
        _of("status_breakdown", draw_status_breakdown),
        _of("type_breakdown", draw_type_breakdown),
        _of("confidence_distribution", draw_confidence_distribution),
        _of("confidence_by_type", draw_confidence_by_type),
        _of("failure_templates", draw_failure_templates),
        _of("failure_causes", draw_failure_causes),
        _of("failure_rates", draw_failure_rates, by="configuration_id"),
        _of("rule_usage", draw_rule_usage),
        ("rule_overlap", _overlap),
        ("type_drift", lambda tables, n, _, ax: draw_type_drift(tables["type_drift"], tables["type_mix"], n, ax=ax)),
        (
            "confidence_drift",
            lambda tables, n, _, ax: draw_confidence_drift(
                tables["confidence_drift"], tables["confidence_mix"], n, ax=ax
            ),
        ),
        _of("jobs_over_time", draw_jobs_over_time),
    ]
)

#: Drawn where there are labels.
OF_LABELS: dict[str, Draw] = dict(
    [
        _of("scores_by_type", draw_scores_by_type),
        _of("confusion_matrix", draw_confusion_matrix),
        _of("calibration_curve", draw_calibration_curve),
        _of("risk_coverage_curve", draw_risk_coverage_curve),
        ("precision_threshold", _threshold),
        _of("corrected_type_shares", draw_corrected_type_shares),
    ]
)


def pictures(tables: Tables, n_jobs: int, arguments: Arguments) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Draw every picture of tables that are there: its name, and its bytes by format, one picture at a time.

    Parameters
    ----------
    tables : dict
        The tables of the report, by the name of their metric.
    n_jobs : int
        How many jobs they are of.
    arguments : Arguments
        Of the report.
    """
    # Matplotlib is loaded by who draws, not by who imports.
    import matplotlib.style

    draws = {name: draw for name, draw in {**OF_JOBS, **OF_LABELS}.items() if name in tables}
    with matplotlib.style.context(["default", {"svg.hashsalt": "llama_classify_nb"}]):
        for name, draw in draws.items():
            yield name, _rendered(_figure(name, partial(draw, tables, n_jobs, arguments)))


def _rendered(figure: Any) -> dict[str, bytes]:
    """Give a figure's bytes by format."""
    # Laid out once: each format would else do it anew, for most of the time that it takes.
    figure.get_layout_engine().execute(figure)
    figure.set_layout_engine(None)
    found = {}
    for suffix, options in _FORMATS.items():
        content = io.BytesIO()
        figure.savefig(content, format=suffix, **options)
        found[suffix] = _rounded(content.getvalue()) if suffix == "svg" else content.getvalue()
    return found


def _rounded(drawing: bytes) -> bytes:
    """Cut the coordinates of an SVG's paths to hundredths of a point: nobody sees more, and it is half of the file."""
    return re.sub(rb' d="[^"]*"', lambda path: re.sub(rb"(\.[0-9]{2})[0-9]+", rb"\1", path[0]), drawing)


def _figure(name: str, draw: Callable[[Any], Any]) -> Any:
    """Draw one picture on a figure of its own, high enough for the rows that it labels."""
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    axes = draw(figure.subplots())
    figure.set_size_inches(8.0, max(3.6, 1.4 + _ROW.get(name, 0.24) * len(axes.get_yticks())))
    if _n_pieces(axes) > _MOST_PIECES:
        axes.set_rasterization_zorder(_ABOVE_AREAS)
    return figure


def _n_pieces(axes: Any) -> int:
    """Count bars, dots, and the corners of bands."""
    corners = (sum(len(path.vertices) for path in one.get_paths()) for one in axes.collections)
    dots = (len(one.get_offsets()) for one in axes.collections)
    return len(axes.patches) + sum(corners) + sum(dots)
