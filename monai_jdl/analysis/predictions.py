"""The labelled probabilities of one task, and intervals of what is computed from them.

Several cases of a patient are not independent: proportions and areas take that into account, and bootstraps draw patients
with all their cases.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from monai_jdl.analysis.statistics import LEVEL, RESAMPLES, SEED, Interval, bootstrap_interval
from monai_jdl.errors import InputError

Z = float(stats.norm.ppf((1 + LEVEL) / 2))
_CHUNK = 2_000_000
_MOST_FOR_BCA = 5000
Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Predictions:
    """Probabilities of one task with their truth, made by :meth:`from_arrays`.

    Attributes:
        truth: [n], bool.
        probability: [n], 0..1.
        patient: [n], whose case it is: 0, 1, ... in the order of appearance.
        missing_labels: how many cases were left out because nobody knows their truth.
        missing_probabilities: how many cases with a label were left out because they have no probability (pages that
            were refused). These are not a random sample: a report has to state them.
    """

    truth: NDArray[np.bool_]
    probability: NDArray[np.float64]
    patient: NDArray[np.intp]
    missing_labels: int = 0
    missing_probabilities: int = 0

    @classmethod
    def from_arrays(
        cls, truth: ArrayLike, probability: ArrayLike, patients: Sequence[Hashable] | NDArray | None = None
    ) -> Predictions:
        """Check the arrays and leave out what is missing.

        Args:
            truth: [n], 0 or 1; NaN or None is a missing label.
            probability: [n], 0..1; NaN or None is a missing probability.
            patients: [n] names; by default every case is a patient's only one.

        Raises:
            InputError: the lengths differ, a truth is neither 0 nor 1, or a probability lies outside 0..1.
        """
        labels, scores = np.asarray(truth, dtype=float), np.asarray(probability, dtype=float)
        names = list(range(labels.size) if patients is None else patients)
        if labels.ndim != 1 or not labels.shape == scores.shape == (len(names),):
            raise InputError(
                f"truth {list(labels.shape)}, probability {list(scores.shape)} and patients [{len(names)}] must be lists of"
                " one length; give one of each for every case."
            )
        labelled, scored = ~np.isnan(labels), ~np.isnan(scores)
        if (wrong := labels[labelled & (labels != 0) & (labels != 1)]).size:
            raise InputError(f"truth: {wrong[0]:g} is neither 0 nor 1; leave unknown labels empty.")
        if (wrong := scores[scored & ~((scores >= 0) & (scores <= 1))]).size:
            raise InputError(
                f"probability: {wrong[0]:g} lies outside 0..1; turn logits into probabilities by Temperature.probability."
            )
        kept = np.flatnonzero(labelled & scored)
        index = {name: i for i, name in enumerate(dict.fromkeys(names[i] for i in kept))}
        return cls(
            truth=labels[kept] == 1,
            probability=scores[kept],
            patient=np.array([index[names[i]] for i in kept], dtype=np.intp),
            missing_labels=int((~labelled).sum()),
            missing_probabilities=int((labelled & ~scored).sum()),
        )

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def patients(self) -> int:
        """How many patients there are."""
        return int(self.patient.max()) + 1 if len(self) else 0

    @property
    def reason(self) -> str | None:
        """Why what needs both classes cannot be computed; None where it can."""
        classes = (("positive", self.truth.any()), ("negative", (~self.truth).any()))
        absent = [name for name, there in classes if not there]
        return f"no {' and no '.join(absent)} cases" if absent else None

    def counts(self) -> dict[str, int | str]:
        """``n``, ``patients``, ``positive``, ``negative``, what is missing, and ``reason`` where a class is absent."""
        positive = int(self.truth.sum())
        return {
            "n": len(self),
            "patients": self.patients,
            "positive": positive,
            "negative": len(self) - positive,
            "missing_labels": self.missing_labels,
            "missing_probabilities": self.missing_probabilities,
            **({"reason": self.reason} if self.reason else {}),
        }

    def select(self, mask: NDArray[np.bool_]) -> Predictions:
        """The cases of ``mask`` [n]."""
        return Predictions.from_arrays(self.truth[mask], self.probability[mask], self.patient[mask])

    @cached_property
    def descending(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The order [n] of falling probability, and the last place [k] of each group of equal probabilities in it."""
        order = np.argsort(-self.probability, kind="stable")
        ranked = self.probability[order]
        return order, np.flatnonzero(np.append(ranked[1:] != ranked[:-1], np.ones(min(len(ranked), 1), dtype=bool)))

    def cumulative(
        self, weight: NDArray[np.float64] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """True and false positives at every threshold that calls another set of cases.

        Cases of equal probability are called together. ROC and precision-recall curves and thresholds are read off these
        counts, for the data and, by ``weight``, for thousands of bootstrap draws at once.

        Args:
            weight: [..., n], how often each case counts; once by default.

        Returns:
            Thresholds [k + 1], falling: infinity (nobody is called), then the probabilities; true positives
            [..., k + 1]; false positives [..., k + 1].
        """
        order, last = self.descending
        weight = (np.ones(len(self)) if weight is None else weight)[..., order]
        none = np.zeros((*weight.shape[:-1], 1))
        true, false = (
            np.concatenate([none, np.cumsum(weight * member, axis=-1)[..., last]], axis=-1)
            for member in (self.truth[order], ~self.truth[order])
        )
        return np.append(np.inf, self.probability[order][last]), true, false

    def bootstrap(self, statistic: Statistic) -> Interval:
        """95 % BCa interval of a statistic when patients are drawn with replacement, each with all cases.

        The work of BCa grows with the square of the patients, and what it corrects shrinks: beyond 5,000 patients it is the
        percentile interval of :meth:`band`.

        Args:
            statistic: weights of the cases [draws, n], how often each was drawn -> values [draws]; NaN where undefined.

        Returns:
            None for fewer than two patients, and where all draws agree (as for an AUC of 1): that is no certainty.
        """
        found: Interval
        if self.patients > _MOST_FOR_BCA:
            (low,), (high,) = self.band(lambda weight: statistic(weight)[:, None])
            found = (float(low), float(high))
        else:
            found = bootstrap_interval(self.patients, lambda drawn: self._of_draws(drawn, statistic))
        return None if found is None or found[1] - found[0] < 1e-12 else found

    def band(self, curve: Statistic, draws: int = 2000) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """95 % pointwise percentile band of a curve when patients are drawn with replacement.

        Args:
            curve: weights of the cases [draws, n] -> values [draws, points]; NaN where a draw does not define it.
            draws: how many.

        Returns:
            Lower and upper edge, each [points].
        """
        rng, step, n = np.random.default_rng(SEED), self._step, self.patients
        sizes = [min(step, draws - done) for done in range(0, draws, step)]
        values = np.concatenate([curve(self._weights(rng.integers(0, n, (size, n)))) for size in sizes])
        low, high = np.nanquantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
        return low, high

    @property
    def _step(self) -> int:
        """How many draws are worked on at once, to spare memory."""
        return max(1, _CHUNK // len(self))

    def _of_draws(self, drawn: NDArray[np.integer], statistic: Statistic) -> NDArray[np.float64]:
        """The statistic [...] of draws of patients [..., any number]."""
        rows, step = drawn.reshape(-1, drawn.shape[-1]), self._step
        values = [statistic(self._weights(rows[i : i + step])) for i in range(0, len(rows), step)]
        return np.concatenate(values).reshape(drawn.shape[:-1])

    def _weights(self, drawn: NDArray[np.integer]) -> NDArray[np.float64]:
        """How often each case [rows, n] is in draws of patients [rows, any number]."""
        rows = np.arange(len(drawn))[:, None] * self.patients
        counts = np.bincount((drawn + rows).ravel(), minlength=len(drawn) * self.patients)
        return counts.reshape(len(drawn), self.patients)[:, self.patient].astype(float)


def proportion(hit: NDArray[np.bool_], patient: NDArray[np.intp]) -> tuple[float | None, Interval]:
    """The share of hits and its 95 % Wilson interval (J Am Stat Assoc 1927;22:209-212), patients with several cases allowed.

    The number of cases is divided by the design effect, the variance of the share over patients as compared with that of
    as many single cases (Rao and Scott, Biometrics 1992;48:577-585), but never raised by it. Where all hit or all miss it
    cannot be estimated: only patients are counted then. With one case per patient this is Wilson's interval itself.

    Args:
        hit: [n].
        patient: [n], indices.

    Returns:
        (None, None) without cases.
    """
    n, owners = len(hit), np.unique(patient, return_inverse=True)[1]
    if not n:
        return None, None
    share = float(np.mean(hit))
    groups = int(owners.max()) + 1
    size = float(groups)
    if groups > 1 and 0 < share < 1:
        surplus = np.bincount(owners, hit - share)
        effect = groups / (groups - 1) * (surplus**2).sum() / n**2 * (n - 1) / (share * (1 - share))
        size = n / max(effect, 1.0)
    centre = (share + Z**2 / (2 * size)) / (1 + Z**2 / size)
    half = Z / (1 + Z**2 / size) * np.sqrt(share * (1 - share) / size + Z**2 / (4 * size**2))
    return share, (float(centre - half) if share > 0 else 0.0, float(centre + half) if share < 1 else 1.0)


def ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """``part / whole``, NaN where ``whole`` is 0."""
    return np.divide(
        part, whole, out=np.full(np.broadcast_shapes(np.shape(part), np.shape(whole)), np.nan), where=whole > 0
    )


def bootstrap_settings() -> dict[str, str | float | int]:
    """How :meth:`Predictions.bootstrap` draws, for a summary."""
    return {"over": "patients", "method": "BCa", "level": LEVEL, "resamples": RESAMPLES, "seed": SEED}
