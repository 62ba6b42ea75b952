"""Figures of classifiers: one panel per task, in one style."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from monai_jdl.analysis import (
    Predictions,
    auc_interval,
    average_precision,
    net_benefit,
    precision_recall_curve,
    reliability_curve,
    roc_band,
    roc_curve,
    threshold_curves,
)
from monai_jdl.reports.figures import _figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY, INK = "#1f6f8b", "#c4560a", "#8a929c", "#1c2430"
_DEVELOPMENT = "sensitivity_"
_CAPTION = 7
"""Size of the caption's letters in points; they are 0.6 as wide."""
Points = Mapping[str, Sequence[Mapping[str, Any]]]


def roc_figure(
    tasks: Mapping[str, Predictions], points: Points, readers: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> Figure:
    """ROC curves with 95 % bands over patients, operating points and human readers.

    A reader who read a part of the cases stands beside the curve of all.

    Args:
        tasks: name -> predictions.
        points: task -> rows of :func:`monai_jdl.analysis.apply_thresholds`.
        readers: task -> reader -> :func:`monai_jdl.analysis.call_metrics`.

    Raises:
        InputError: matplotlib is not installed (true of every figure here).
    """

    def draw(panel: Axes, task: str, predictions: Predictions) -> None:
        panel.plot([0, 1], [0, 1], color=GREY, linewidth=0.9, linestyle=":")
        curve = roc_curve(predictions)
        area, interval = auc_interval(predictions)
        label = f"AUC {area:.3f}"
        if interval:
            low, high = roc_band(predictions)
            panel.fill_between(np.linspace(0, 1, len(low)), low, high, color=BLUE, alpha=0.16, linewidth=0)
            label += f" ({interval[0]:.3f}–{interval[1]:.3f})"
        panel.plot(curve["false_positive_rate"], curve["sensitivity"], color=BLUE, linewidth=1.8, label=label)
        _draw_points(panel, points[task], lambda row: (1 - row["specificity"], row["sensitivity"]), "left")
        for marker, (name, row) in zip(itertools.cycle("DsPX"), readers[task].items(), strict=False):
            if row["sensitivity"] is not None and row["specificity"] is not None:
                style: dict[str, Any] = {"color": INK, "markersize": 6.5, "linestyle": "none", "zorder": 5}
                panel.plot(1 - row["specificity"], row["sensitivity"], marker, label=name, **style)
        panel.set(xlabel="false-positive rate (1 - specificity)", ylabel="sensitivity", aspect="equal")
        _unit_axes(panel)
        panel.legend(loc="lower right", frameon=False, fontsize=8)

    return _panels(tasks, draw, height=4.6)


def precision_recall_figure(tasks: Mapping[str, Predictions], points: Points) -> Figure:
    """Precision-recall curves with the operating points, and the share of positives as the line of chance.

    Args:
        tasks: name -> predictions.
        points: task -> rows of :func:`monai_jdl.analysis.apply_thresholds`.
    """

    def draw(panel: Axes, task: str, predictions: Predictions) -> None:
        share = float(predictions.truth.mean())
        panel.axhline(share, color=GREY, linewidth=0.9, linestyle=":", label=f"chance {share:.3f}")
        curve = precision_recall_curve(predictions)
        label = f"average precision {float(average_precision(predictions)):.3f}"
        recall, precision = np.append(0, curve["recall"]), np.append(curve["precision"][0], curve["precision"])
        # between two thresholds precision is not a straight line: average precision takes steps
        panel.step(recall, precision, where="pre", color=BLUE, linewidth=1.8, label=label)
        _draw_points(panel, points[task], lambda row: (row["sensitivity"], row["ppv"]), "right")
        panel.set(xlabel="recall (sensitivity)", ylabel="precision (PPV)", aspect="equal")
        _unit_axes(panel)
        panel.legend(loc="lower left", frameon=False, fontsize=8)

    return _panels(tasks, draw, height=4.6)


def threshold_figure(tasks: Mapping[str, Predictions], thresholds: Mapping[str, float | None]) -> Figure:
    """Sensitivity and false-positive rate against the threshold, with 95 % bands (Wilson).

    Args:
        tasks: name -> predictions.
        thresholds: task -> the threshold in use, drawn as a line.
    """

    def draw(panel: Axes, task: str, predictions: Predictions) -> None:
        curves = threshold_curves(predictions, np.linspace(0, 1, 101))
        names = (("sensitivity", BLUE, "-"), ("false_positive_rate", ORANGE, "--"))
        for name, colour, style in names:
            grid, value = ([row[key] for row in curves[name]] for key in ("threshold", "value"))
            low, high = zip(*(row["ci95"] for row in curves[name]), strict=True)
            panel.fill_between(grid, low, high, color=colour, alpha=0.16, linewidth=0)
            panel.plot(
                grid, value, style, color=colour, linewidth=1.8, label=name.replace("_", "-", 1).replace("_", " ")
            )
        _draw_threshold(panel, thresholds[task])
        panel.set(xlabel="threshold on the probability", ylabel="share called positive")
        _unit_axes(panel)
        panel.legend(frameon=False, fontsize=8)

    return _panels(tasks, draw)


def histogram_figure(tasks: Mapping[str, Predictions], thresholds: Mapping[str, float | None]) -> Figure:
    """Probabilities of positive and of negative cases, in % of each class.

    Args:
        tasks: name -> predictions.
        thresholds: task -> the threshold in use, drawn as a line.
    """

    def draw(panel: Axes, task: str, predictions: Predictions) -> None:
        edges = np.linspace(0, 1, 26)
        classes = ((~predictions.truth, "negative", BLUE), (predictions.truth, "positive", ORANGE))
        for members, name, colour in classes:
            count = np.histogram(predictions.probability[members], edges)[0]
            label = f"{name} (n = {int(members.sum())})"
            panel.stairs(100 * count / members.sum(), edges, fill=True, color=colour, alpha=0.35, label=label)
            panel.stairs(100 * count / members.sum(), edges, color=colour, linewidth=1.3)
        _draw_threshold(panel, thresholds[task])
        panel.set(xlabel="probability", ylabel="% of the class", xlim=(0, 1))
        panel.grid(alpha=0.3)
        panel.legend(frameon=False, fontsize=8)

    return _panels(tasks, draw)


def reliability_figure(tasks: Mapping[str, Predictions], scores: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Observed share of positives against the probability, 15 bins with 95 % intervals (Wilson); dots grow with cases.

    Args:
        tasks: name -> predictions.
        scores: task -> :func:`monai_jdl.analysis.calibration_scores`.
    """

    def draw(panel: Axes, task: str, predictions: Predictions) -> None:
        panel.plot([0, 1], [0, 1], color=GREY, linewidth=0.9, linestyle=":", label="perfect")
        bins = [row for row in reliability_curve(predictions) if row["n"]]
        said, seen = (np.array([row[key] for row in bins]) for key in ("mean_probability", "observed"))
        low, high = np.array([row["observed_ci95"] for row in bins]).T
        panel.vlines(said, low, high, color=BLUE, linewidth=1.2, alpha=0.7)
        panel.plot(said, seen, color=BLUE, linewidth=1, alpha=0.6)
        size = np.array([row["n"] for row in bins])
        panel.scatter(said, seen, 15 + 110 * size / size.max(), color=BLUE, edgecolor="white", linewidth=0.8, zorder=3)
        found = scores[task]
        text = f"Brier {found['brier']:.3f}\nECE {found['ece']:.3f}\nlog loss {found['log_loss']:.3f}"
        panel.text(0.97, 0.04, text, transform=panel.transAxes, ha="right", va="bottom", fontsize=8, color=INK)
        panel.set(xlabel="probability", ylabel="observed share of positives", aspect="equal")
        _unit_axes(panel)
        panel.legend(loc="upper left", frameon=False, fontsize=8)

    return _panels(tasks, draw, height=4.6)


def decision_figure(tasks: Mapping[str, Predictions]) -> Figure:
    """Net benefit of the model against treating everyone and nobody."""

    def draw(panel: Axes, task: str, predictions: Predictions) -> None:
        rows = net_benefit(predictions)
        grid, model, everyone = (
            np.array([row[key] for row in rows]) for key in ("threshold", "net_benefit", "treat_all")
        )
        share = float(predictions.truth.mean())
        panel.plot(grid, everyone, color=ORANGE, linewidth=1.3, linestyle="--", label="treat all")
        panel.axhline(0, color=GREY, linewidth=1.3, linestyle=":", label="treat none")
        panel.plot(grid, model, color=BLUE, linewidth=1.8, label="by the model")
        panel.set(xlabel="threshold probability", ylabel="net benefit (true positives per case)")
        panel.set(xlim=(0, 1), ylim=(-0.25 * share, 1.08 * share))
        panel.grid(alpha=0.3)
        panel.legend(loc="upper right", frameon=False, fontsize=8)

    return _panels(tasks, draw)


def describe(figure: Figure, about: Mapping[str, Mapping[str, Any]]) -> None:
    """Title the panels of a figure by what the tasks tell, and say below what the model was trained on.

    Args:
        figure: of a function above.
        about: task -> its ``condition`` and ``trained_on``, where they are known; in the order of the panels.
    """
    origins = []
    for panel, (task, said) in zip(figure.axes, about.items(), strict=True):
        condition = said.get("condition", task)
        panel.set_title(condition[:1].upper() + condition[1:], fontsize=10)
        if said.get("trained_on"):
            origins.append(f"{condition}: trained on {said['trained_on']}")
    if origins:
        letters = int(figure.get_figwidth() * 72 / (0.6 * _CAPTION))
        figure.supxlabel(textwrap.fill("; ".join(origins), letters), fontsize=_CAPTION, color=INK)


def _panels(
    tasks: Mapping[str, Predictions], draw: Callable[[Axes, str, Predictions], None], height: float = 3.6
) -> Figure:
    """One panel per task; a task that lacks a class says so instead."""
    figure = _figure(4.6 * len(tasks), height)
    figure.set_layout_engine("constrained", w_pad=0.1, h_pad=0.08)
    for panel, (task, predictions) in zip(figure.subplots(1, len(tasks), squeeze=False)[0], tasks.items(), strict=True):
        panel.set_title(task, fontsize=10)
        if predictions.reason:
            panel.set_axis_off()
            panel.text(0.5, 0.5, predictions.reason, ha="center", color=INK, transform=panel.transAxes)
        else:
            draw(panel, task, predictions)
    return figure


def _draw_points(
    panel: Axes,
    rows: Sequence[Mapping[str, Any]],
    place: Callable[[Mapping[str, Any]], tuple[float, float]],
    side: str,
) -> None:
    """The operating points that call somebody: named ones in the legend, those for a sensitivity as dots with a number.

    ``side`` is the side of a number that is next to its dot.
    """
    markers = {"youden": ("o", "Youden's index"), "f1": ("^", "best F1")}
    label = "sensitivity in development (%)"
    for row in rows:
        name = row["operating_point"]
        if row.get("ppv") is None:  # nobody is called, or there is no threshold
            continue
        style: dict[str, Any] = {"color": ORANGE, "linestyle": "none", "markeredgecolor": "white", "zorder": 4}
        if name in markers:
            marker, text = markers[name]
            panel.plot(*place(row), marker, markersize=8, label=text, **style)
        elif name.startswith(_DEVELOPMENT):
            panel.plot(*place(row), ".", markersize=9, label=label, **style)
            label = "_"  # one line in the legend for all
            style = {"ha": side, "color": ORANGE, "fontsize": 7, "textcoords": "offset points"}
            shift = 4 if side == "left" else -4
            panel.annotate(name.removeprefix(_DEVELOPMENT), place(row), (shift, -9), **style)


def _draw_threshold(panel: Axes, threshold: float | None) -> None:
    if threshold is not None:
        panel.axvline(threshold, color=INK, linewidth=0.9, linestyle="-.", label=f"threshold {threshold:.2f}")


def _unit_axes(panel: Axes) -> None:
    panel.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    panel.grid(alpha=0.3)
