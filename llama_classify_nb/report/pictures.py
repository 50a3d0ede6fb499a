"""The pictures of a report, each as PNG and SVG, the same bytes for the same jobs."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

from .. import plots
from .contents import Arguments, Given

# Whatever could make the same picture come out differently: a clock, a random salt, the name of a version.
_FORMATS: dict[str, dict[str, Any]] = {
    "png": {"dpi": 150, "metadata": {"Software": None}},
    "svg": {"metadata": {"Date": None, "Creator": None}},
}
# Height of a labelled row in inches, where two lines of text must find room in it.
_ROW = {"confusion_matrix": 0.42, "rule_overlap": 0.42}
Draw = Callable[[Given, Arguments, Any], Any]


def _of_jobs(name: str, **arguments: Any) -> Draw:
    return lambda given, _, ax: getattr(plots, name)(given.jobs, ax=ax, **arguments)


def _of_rules(name: str) -> Draw:
    return lambda given, _, ax: getattr(plots, name)(given.jobs, given.rules, ax=ax)


def _of_labels(name: str) -> Draw:
    return lambda given, _, ax: getattr(plots, name)(given.jobs, given.labels, rules=given.rules, ax=ax)


#: Drawn in every report, in the order of its files: what is said of each picture to who can't see it.
OF_JOBS: dict[str, Draw] = {
    "status_breakdown": _of_jobs("status_breakdown"),
    "type_breakdown": _of_jobs("type_breakdown"),
    "confidence_distribution": _of_jobs("confidence_distribution"),
    "confidence_by_type": _of_jobs("confidence_by_type"),
    "failure_templates": _of_jobs("failure_templates"),
    "failure_causes": _of_jobs("failure_causes"),
    "failure_rates": _of_jobs("failure_rates", by="configuration_id"),
    "rule_usage": _of_rules("rule_usage"),
    "rule_overlap": lambda given, _, ax: plots.rule_overlap(given.jobs, given.rules, labels=given.labels, ax=ax),
    "type_drift": lambda given, arguments, ax: plots.type_drift(given.jobs, seed=arguments.seed, ax=ax),
    "confidence_drift": lambda given, arguments, ax: plots.confidence_drift(given.jobs, seed=arguments.seed, ax=ax),
    "jobs_over_time": _of_jobs("jobs_over_time"),
}

#: Drawn where there are labels.
OF_LABELS: dict[str, Draw] = {
    "scores_by_type": _of_labels("scores_by_type"),
    "confusion_matrix": _of_labels("confusion_matrix"),
    "calibration_curve": _of_labels("calibration_curve"),
    "risk_coverage_curve": _of_labels("risk_coverage_curve"),
    "precision_threshold": lambda given, arguments, ax: plots.precision_threshold(
        given.jobs, given.read, target=arguments.target, assurance=arguments.assurance, rules=given.rules, ax=ax
    ),
    "corrected_type_shares": _of_labels("corrected_type_shares"),
}


def pictures(given: Given, arguments: Arguments) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Draw every picture: its name, and its bytes by format, one picture at a time."""
    # Matplotlib is loaded by who draws, not by who imports.
    import matplotlib.style

    draws = OF_JOBS if given.labels is None else {**OF_JOBS, **OF_LABELS}
    with matplotlib.style.context(["default", {"svg.hashsalt": "llama_classify_nb"}]):
        for name, draw in draws.items():
            figure = _figure(name, draw, given, arguments)
            found = {}
            for suffix, options in _FORMATS.items():
                content = io.BytesIO()
                figure.savefig(content, format=suffix, **options)
                found[suffix] = _rounded(content.getvalue()) if suffix == "svg" else content.getvalue()
            yield name, found


def _rounded(drawing: bytes) -> bytes:
    """Cut the coordinates of an SVG's paths to hundredths of a point: nobody sees more, and it is half of the file."""
    return re.sub(rb' d="[^"]*"', lambda path: re.sub(rb"(\.[0-9]{2})[0-9]+", rb"\1", path[0]), drawing)


def _figure(name: str, draw: Draw, given: Given, arguments: Arguments) -> Any:
    """Draw one picture on a figure of its own, high enough for the rows that it labels."""
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    axes = draw(given, arguments, figure.subplots())
    figure.set_size_inches(8.0, max(3.6, 1.4 + _ROW.get(name, 0.24) * len(axes.get_yticks())))
    # Laid out once: each format would else do it anew, for most of the time that it takes.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure
