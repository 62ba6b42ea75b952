"""k-space whose lines are read in several cardiac phases."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def mix_frames(frames: Iterable[Tensor], frame_of_line: Tensor, axis: int) -> Tensor:
    """Magnitude image of a k-space in which every line stems from one of several frames.

    The complex image is split into its real and imaginary part, ``K = E + i O`` with Hermitian ``E`` and ``O``; a frame ``F``
    that fills the lines of the mask ``m`` adds ``F (m(k) + m(-k)) / 2`` to E and ``F (m(k) - m(-k)) / 2i`` to O. So each
    frame costs one real transform along the phase-encode axis, and only one frame needs to exist at a time.

    Args:
        frames: real images ``(C, X, Y, Z)`` of one shape; may be a generator.
        frame_of_line: ``(lines,)``, int64: the frame of each line, from the most negative frequency; the k-space centre is
            line ``lines // 2``.
        axis: phase-encode axis of a frame, 1 (X) or 2 (Y); it has ``lines`` samples.

    Returns:
        magnitude, of the shape and dtype of a frame.

    Raises:
        ValueError: if ``axis`` is not 1 or 2, or ``frame_of_line`` does not fit the frames.

    Example:
        >>> still = torch.tensor([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
        >>> mix_frames([still, 2 * still], torch.tensor([0, 1, 0]), axis=2).flatten().tolist()  # only the mean doubles
        [3.0, 4.0, 5.0]
    """
    if axis not in (1, 2):
        raise ValueError(f"axis must be 1 or 2 (phase encoding in plane), not {axis}.")
    lines, count = len(frame_of_line), 0
    k = torch.arange(lines // 2 + 1)
    here, mirrored = frame_of_line[(lines // 2 + k) % lines], frame_of_line[lines // 2 - k]
    real: Tensor | None = None
    imaginary: Tensor | None = None
    for count, frame in enumerate(frames, start=1):
        if frame.shape[axis] != lines:
            raise ValueError(f"frame_of_line must have {frame.shape[axis]} entries, one for each line, not {lines}.")
        spectrum = torch.fft.rfft(frame, dim=axis)
        a, b = (side.eq(count - 1).to(frame).reshape(-1, *[1] * (3 - axis)) for side in (here, mirrored))
        even, odd = spectrum * ((a + b) / 2), spectrum * ((a - b) / 2)
        real = even if real is None else real.add_(even)
        imaginary = odd if imaginary is None else imaginary.add_(odd)
    if real is None or imaginary is None or int(frame_of_line.max()) >= count:
        raise ValueError(f"frame_of_line names frame {int(frame_of_line.max())}, but there are {count} frames.")
    # the common factor 1 / i of the odd part only turns the half spectrum by 90 degrees
    parts = (torch.fft.irfft(part, n=lines, dim=axis) for part in (real, imaginary.mul_(-1j)))
    return torch.hypot(*parts)
