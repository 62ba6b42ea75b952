"""What the formats of ECG records share: names of leads, units, the window that is read, the limb leads' arithmetic."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cardiac_transforms.ecg.leads import LEADS
from monai_jdl.errors import InputError

MIN_RATE, MAX_RATE = 50.0, 20_000.0
MIN_DURATION = 1.0

_BRACKETS = re.compile(r"[\[(].*?[\])]")
_PREFIX = re.compile(r"^(MDC|ECG|LEAD|CHANNEL)+")
_ALIASES = {
    **{lead.upper(): lead for lead in LEADS},
    **{f"{prefix}{'I' * k}": "I" * k for prefix in ("D", "L", "ML") for k in (1, 2, 3)},
    **{f"{prefix}{k}": "I" * k for prefix in ("D", "L") for k in (1, 2, 3)},
    **{f"C{k}": f"V{k}" for k in range(1, 7)},
}
_MILLIVOLT = {"mv": 1.0, "millivolt": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "microvolt": 1e-3, "v": 1e3, "volt": 1e3}
# limb leads as combinations of I and II: Einthoven (III) and Goldberger (aVR, aVL, aVF)
_LIMB = np.array([[1, 0], [0, 1], [-1, 1], [-0.5, -0.5], [1, -0.5], [-0.5, 1]])


@dataclass
class Channels:
    """Channels of a record as a format's reader finds them; names and units as in the file.

    Attributes:
        values: float [C, T], NaN where a sample is not valid.
        names: of the channels. ``units``: theirs, empty where the file does not say.
        rate: Hz.
        age: years or None. ``sex``: ``male``, ``female`` or None.
        notes: for people.
    """

    values: np.ndarray
    names: list[str]
    units: list[str]
    rate: float
    age: float | None = None
    sex: str | None = None
    notes: list[str] = field(default_factory=list)


def lead_of(name: str) -> str | None:
    """The lead of :data:`LEADS` that a channel's name means, without case; None for another channel.

    ``AVR``, ``Lead I (Einthoven)``, ``MLII``, ``DIII``, ``C4`` (= V4) and ``MDC_ECG_LEAD_V1`` are understood. A name with a
    leading minus (``-aVR``, upside down) is none of the twelve.
    """
    if name.strip().startswith(("-", "−")):
        return None
    key = re.sub(r"[^A-Z0-9]", "", _BRACKETS.sub("", name).upper())
    return _ALIASES.get(_PREFIX.sub("", key))


def millivolts(unit: str) -> float | None:
    """Millivolts in one ``unit`` (mV, uV, V, in words too); None for another unit."""
    return _MILLIVOLT.get(unit.strip().lower().removesuffix("s"))


def window(path: Path, samples: int, rate: float, start: float, duration: float) -> tuple[int, int]:
    """First sample and the one after the last of ``duration`` seconds from ``start``, as far as there are any.

    Raises:
        InputError: implausible rate; less than :data:`MIN_DURATION` left.
    """
    check_rate(path, rate)
    first = round(start * rate)
    last = min(samples, first + round(duration * rate))
    if last - first < round(MIN_DURATION * rate):
        from_start = f", too little from {start:g} s on" if start else ""
        raise InputError(
            f"{path} lasts {samples / rate:.3g} s{from_start}; at least {MIN_DURATION:g} s of ECG is needed, so give a longer "
            "record or another start."
        )
    return first, last


def check_rate(path: Path, rate: float) -> None:
    """Raise an :class:`InputError` if an ECG cannot be sampled at ``rate`` Hz."""
    if not MIN_RATE <= rate <= MAX_RATE:
        raise InputError(
            f"{path} has a sampling rate of {rate:g} Hz, but an ECG needs {MIN_RATE:g} to {MAX_RATE:g} Hz; correct the rate."
        )


def sex_of(text: str) -> str | None:
    """``male`` or ``female`` from a word or letter (M, F, W), else None."""
    return {"m": "male", "f": "female", "w": "female"}.get(text.strip().lower()[:1])


def age_of(number: float) -> float | None:
    """An age in years, or None where it cannot be one (some sets write 300 for "over 89")."""
    return number if 0 <= number <= 120 else None


def derive_limb_leads(signals: np.ndarray) -> list[str]:
    """Fill missing limb leads from the first two that are there: any two of the six determine the others.

    III = II - I, aVR = -(I + II)/2, aVL = I - II/2, aVF = II - I/2 (Einthoven, Goldberger).

    Args:
        signals: [12, T] in order of :data:`LEADS`, a missing lead all NaN; changed in place.

    Returns:
        The leads filled.
    """
    missing = [row for row in range(6) if np.isnan(signals[row]).all()]
    given = [row for row in range(6) if row not in missing][:2]
    if len(given) < 2 or not missing:
        return []
    signals[missing] = _LIMB[missing] @ np.linalg.inv(_LIMB[given]) @ signals[given]
    return [LEADS[row] for row in missing]


def check_signals(path: Path, signals: np.ndarray, rate: float) -> np.ndarray:
    """Signals to be written, as float64 [12, T]; raises an :class:`InputError` if they cannot be an ECG's."""
    signals = np.asarray(signals, dtype=np.float64)
    if signals.ndim != 2 or len(signals) != len(LEADS) or not signals.shape[1]:
        raise InputError(f"{path} needs signals of shape (12, T), one row per lead, not {signals.shape}.")
    if np.isinf(signals).any():
        raise InputError(f"{path} cannot hold infinite values; put NaN where a sample is missing.")
    check_rate(path, rate)
    return signals
