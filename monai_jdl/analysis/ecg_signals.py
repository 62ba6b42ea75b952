"""How well a digitised ECG agrees with the signals that were printed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def reconstruction_snr(
    reference: NDArray[np.floating], estimate: NDArray[np.floating], rate: float, max_shift: float = 0.1
) -> NDArray[np.float64]:
    """Signal-to-noise ratio of every lead of a digitised ECG, after the alignment that PhysioNet 2024 allows.

    ``SNR = 10 log10(sum s^2 / sum (s - e)^2)`` over the samples at which the reference ``s`` is given. The estimate
    ``e`` is first shifted in time and vertically, each lead by itself, to where the ratio is best; where it is missing
    it counts as 0 mV. Time shifts are whole samples.

    Args:
        reference: ``[L, T]`` mV, NaN where nothing was printed.
        estimate: ``[L, T]`` mV, NaN where nothing was read.
        rate: Hz, of both.
        max_shift: largest shift in time, in seconds.

    Returns:
        ``[L]`` in dB; NaN for a lead whose reference is empty or zero, infinite for a perfect estimate.

    Raises:
        ValueError: the arrays differ in shape.

    Source: Reyna et al., Digitization and Classification of ECG Images: The George B. Moody PhysioNet Challenge 2024,
    Computing in Cardiology 51 (2024).
    """
    if reference.shape != estimate.shape or reference.ndim != 2:
        raise ValueError(
            f"reference {list(reference.shape)} and estimate {list(estimate.shape)} must be the same [L, T]."
        )
    reach = min(round(max_shift * rate), max(0, reference.shape[1] - 1))
    out = np.full(len(reference), np.nan)
    for lead, (truth, read) in enumerate(zip(reference.astype(np.float64), estimate.astype(np.float64), strict=True)):
        given = np.isfinite(truth)
        power = np.square(truth[given]).sum()
        if not power:
            continue
        padded = np.pad(read, reach, constant_values=np.nan)
        least = np.inf
        for shift in range(2 * reach + 1):
            moved = padded[shift : shift + truth.size][given]
            known = np.isfinite(moved)
            error = truth[given].copy()
            if known.any():
                # the best vertical shift makes the mean error 0
                error[known] -= moved[known]
                error[known] -= error[known].mean()
            least = min(least, float(np.square(error).sum()))
        out[lead] = 10.0 * np.log10(power / least) if least > 0 else np.inf
    return out
