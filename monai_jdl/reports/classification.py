"""The evaluation of classifiers as files: tables, a summary and figures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_jdl.analysis import (
    Predictions,
    apply_thresholds,
    at_prevalence,
    bootstrap_settings,
    calibration_scores,
    compare_reader,
    control_cohort,
    discrimination,
    reliability_curve,
    subgroup_table,
)
from monai_jdl.atomic import atomic_path
from monai_jdl.data.files import check_output_dir
from monai_jdl.errors import InputError
from monai_jdl.reports import classification_figures as figures
from monai_jdl.reports.figures import png
from monai_jdl.reports.tables import write_csv, write_json

Rows = Sequence[Mapping[str, Any]]
Thresholds = Mapping[str, Mapping[str, float | None]]
_SHARES = ("sensitivity", "specificity", "ppv", "npv", "accuracy", "f1")
_OUTCOMES = ("true_positive", "false_positive", "true_negative", "false_negative")
_COUNTS = ("n", "patients", "positive", "negative")


def _with_edges(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{name}{edge}" for name in names for edge in ("", "_low", "_high"))


CLASSIFICATION_COLUMNS = ("task", "operating_point", "threshold", *_COUNTS, *_OUTCOMES, *_with_edges(_SHARES), "reason")
SUBGROUP_COLUMNS = (
    *("task", "column", "group", *_COUNTS, "missing_labels", "missing_probabilities"),
    *_with_edges(("auc", "sensitivity", "specificity")),
    "reason",
)
READER_COLUMNS = ("task", "reader", *_COUNTS, *_OUTCOMES, *_with_edges(_SHARES), "reason")


def classification_report(
    rows: Rows,
    output_dir: str | Path,
    thresholds: Thresholds,
    operating_point: str = "youden",
    subgroups: Sequence[str] = (),
    readers: Rows = (),
    controls: Rows = (),
    about: Mapping[str, Mapping[str, str | None]] | None = None,
) -> list[Path]:
    """Write what a paper on classifiers shows of its test set.

    ``metrics.csv`` has a row per task and operating point, ``summary.json`` everything, ``subgroups.csv`` and
    ``readers.csv`` their tables where asked for; intervals of 95 % are in columns ``_low`` and ``_high``. The figures are
    ``roc.png``, ``precision_recall.png``, ``thresholds.png``, ``histograms.png``, ``reliability.png`` and
    ``decision_curve.png``, with a panel per task.

    Args:
        rows: a mapping per case: ``case``, ``patient``, and for every task ``<task>`` (the probability) and ``<task>_true``
            (0 or 1); None, NaN and "" are missing. Numbers may be text, as read from a CSV file.
        output_dir: folder.
        thresholds: task -> rule -> threshold, of :func:`monai_jdl.analysis.choose_thresholds` on development data. Its
            keys are the tasks.
        operating_point: the rule whose threshold serves subgroups, readers, F1 at a prevalence and figures.
        subgroups: columns of ``rows`` whose values are groups.
        readers: a mapping per reader and case: ``reader``, ``case``, and for tasks that were read ``<task>``, 0 or 1.
        controls: like ``rows`` without truth, people known to have neither condition.
        about: task -> what ``summary.json`` says of it first, and figures beside its panels: ``condition``, what it tells, and
            ``trained_on``, on what data the model was trained for it.

    Returns:
        The files.

    Raises:
        InputError: the folder cannot be written, a column or rule is missing, a case occurs twice, a reader read a case
            twice or one that is not in ``rows``, a value is not a number, or see
            :meth:`monai_jdl.analysis.Predictions.from_arrays`.
    """
    _check(rows, thresholds, operating_point, subgroups, readers, controls)
    out = check_output_dir(output_dir)
    patients = [row["patient"] for row in rows]
    tasks, results, about = {}, {}, about or {}
    for task, rules in thresholds.items():
        try:
            tasks[task] = Predictions.from_arrays(_numbers(rows, f"{task}_true"), _numbers(rows, task), patients)
            found = _evaluate(task, tasks[task], rows, rules, operating_point, subgroups, readers, controls)
            results[task] = {**about.get(task, {}), **found}
        except InputError as error:
            raise InputError(f"{task}: {error}") from error
    summary = {
        "cases": len(rows),
        "patients": len(set(patients)),
        "operating_point": operating_point,
        "bootstrap": bootstrap_settings(),
        "tasks": results,
    }
    pictures = _draw(tasks, results, operating_point)
    files = [write_csv(out / "metrics.csv", _table(results, "operating_points"), CLASSIFICATION_COLUMNS)]
    if subgroups:
        files.append(write_csv(out / "subgroups.csv", _table(results, "subgroups"), SUBGROUP_COLUMNS))
    if readers:
        files.append(write_csv(out / "readers.csv", _reader_table(results), READER_COLUMNS))
    files.append(write_json(out / "summary.json", summary))
    for name, picture in pictures.items():
        with atomic_path(out / f"{name}.png") as temporary:
            temporary.write_bytes(picture)
        files.append(out / f"{name}.png")
    return files


def _evaluate(
    task: str,
    predictions: Predictions,
    rows: Rows,
    rules: Mapping[str, float | None],
    operating_point: str,
    subgroups: Sequence[str],
    readers: Rows,
    controls: Rows,
) -> dict[str, Any]:
    """Everything about one task."""
    truth, probability = _numbers(rows, f"{task}_true"), _numbers(rows, task)
    patients, threshold = [row["patient"] for row in rows], rules[operating_point]
    result = {
        **discrimination(predictions),
        **calibration_scores(predictions),
        "operating_points": apply_thresholds(predictions, rules),
        "at_prevalence": at_prevalence(predictions, threshold),
        "reliability": reliability_curve(predictions),
    }
    if subgroups:
        columns = {column: [row[column] for row in rows] for column in subgroups}
        result["subgroups"] = subgroup_table(truth, probability, columns, threshold, patients)
    if readers:
        result["readers"] = {
            name: compare_reader(
                truth, probability, [calls.get(row["case"], math.nan) for row in rows], threshold, patients
            )
            for name, calls in _calls(readers, task).items()
        }
    if controls:
        result["controls"] = control_cohort(_numbers(controls, task), rules, [row["patient"] for row in controls])
    return result


def _calls(readers: Rows, task: str) -> dict[str, dict[str, float]]:
    """Reader -> case -> call, of the readers that read this task."""
    calls: dict[str, dict[str, float]] = {}
    read = [row for row in readers if row.get(task) not in (None, "")]
    for row, call in zip(read, _numbers(read, task), strict=True):
        calls.setdefault(str(row["reader"]), {})[row["case"]] = call
    return calls


def _draw(
    tasks: Mapping[str, Predictions], results: Mapping[str, Mapping[str, Any]], operating_point: str
) -> dict[str, bytes]:
    """Name -> PNG, before anything is written: matplotlib may be missing."""
    points = {task: result["operating_points"] for task, result in results.items()}
    people = {
        task: {name: found["reader"] for name, found in result.get("readers", {}).items()}
        for task, result in results.items()
    }
    used = {
        task: next(row["threshold"] for row in rows if row["operating_point"] == operating_point)
        for task, rows in points.items()
    }
    drawn = {
        "roc": figures.roc_figure(tasks, points, people),
        "precision_recall": figures.precision_recall_figure(tasks, points),
        "thresholds": figures.threshold_figure(tasks, used),
        "histograms": figures.histogram_figure(tasks, used),
        "reliability": figures.reliability_figure(tasks, results),
        "decision_curve": figures.decision_figure(tasks),
    }
    for figure in drawn.values():
        figures.describe(figure, results)
    return {name: png(figure) for name, figure in drawn.items()}


def _table(results: Mapping[str, Mapping[str, Any]], name: str) -> list[dict[str, Any]]:
    counts = {task: {key: result[key] for key in _COUNTS} for task, result in results.items()}
    return [{"task": task, **counts[task], **_flat(row)} for task, result in results.items() for row in result[name]]


def _reader_table(results: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**found, **_flat(found["reader"]), "task": task, "reader": name}
        for task, result in results.items()
        for name, found in result["readers"].items()
    ]


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Intervals as two columns."""
    edges = {
        f"{name.removesuffix('_ci95')}_{edge}": value
        for name, interval in row.items()
        if name.endswith("_ci95")
        for edge, value in zip(("low", "high"), interval or (None, None), strict=True)
    }
    return {**row, **edges}


def _numbers(rows: Rows, column: str) -> list[float]:
    """A column as numbers, NaN where it is empty."""
    values = []
    for row in rows:
        value = row[column]
        try:
            values.append(math.nan if value is None or value == "" else float(value))
        except ValueError as error:
            raise InputError(f"{row['case']}: {column} is {value!r}; give a number or leave it empty.") from error
    return values


def _check(
    rows: Rows, thresholds: Thresholds, operating_point: str, subgroups: Sequence[str], readers: Rows, controls: Rows
) -> None:
    _require(rows, ("case", "patient", *subgroups, *(name for task in thresholds for name in (task, f"{task}_true"))))
    _require(readers, ("case", "reader"))
    _require(controls, ("case", "patient", *thresholds))
    cases = Counter(row["case"] for row in rows)
    if twice := [case for case, times in cases.items() if times > 1]:
        raise InputError(f"{twice[0]}: occurs twice; give every case one row.")
    for (case, reader), times in Counter((row["case"], row["reader"]) for row in readers).items():
        if case not in cases:
            raise InputError(f"{case}: was read by {reader} but is not among the cases; leave it out.")
        if times > 1:
            raise InputError(f"{case}: was read by {reader} {times} times; keep one of these rows.")
    for task, rules in thresholds.items():
        if operating_point not in rules:
            raise InputError(f"{task}: has no threshold {operating_point!r}; choose one of {', '.join(rules)}.")


def _require(rows: Rows, columns: Sequence[str]) -> None:
    for row in rows:
        if absent := [column for column in columns if column not in row]:
            raise InputError(
                f"{row.get('case', 'a row')}: there is no {', '.join(absent)}; every case needs these columns."
            )
