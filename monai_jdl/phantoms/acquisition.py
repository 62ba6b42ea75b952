"""From the object to the stored picture: coil shading, k-space of the acquired matrix, noise, magnitude or PSIR."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from monai_jdl.phantoms.draws import truncated_normal

PSIR_ZERO = 2048
"""Stored value of zero signal in a phase-sensitive image: stored unsigned, rescale intercept -2048."""


@dataclass(frozen=True)
class Protocol:
    """How the stack is acquired; times in ms, lengths in mm.

    Attributes:
        display: ``magnitude`` or ``psir``.
        rr: mean RR interval.
        beats: RR intervals between two inversions.
        pixel: reconstructed pixel size.
        thickness: slice thickness.
        spacing: distance of slice positions, gap included.
        lines: acquired k-space lines along the phase-encode axis (image y) if none were left out.
        readout: acquired samples along the readout axis (image x).
        partial_fourier: share of ``lines`` that is acquired, 0.75 to 1.
        lines_per_shot: lines read after one inversion.
        base_first: slices are stored from base to apex.
        apodisation: strength of the scanner's k-space filter, 0 (none, full Gibbs ringing) to 1 (Hann window).
    """

    display: str
    rr: float
    beats: int
    pixel: float
    thickness: float
    spacing: float
    lines: int
    readout: int
    partial_fourier: float
    lines_per_shot: int
    base_first: bool
    apodisation: float

    @property
    def repetition(self) -> float:
        """Time between inversions, ms."""
        return self.beats * self.rr


def draw_protocol(rng: np.random.Generator, display: str, size: int) -> Protocol:
    """Draw an acquisition of the SCMR recommendations: field of view 360-380 mm, 1.4-1.8 mm in plane, 8 mm slices."""
    rr = truncated_normal(rng, 900, 150, 550, 1300)
    field = rng.uniform(359, 382)
    x_mm, y_mm = rng.uniform(1.4, 1.65), rng.uniform(1.45, 1.8)
    partial = 0.75 if rng.random() < 0.25 else 1.0
    return Protocol(
        display=display,
        rr=rr,
        beats=3 if rr < 660 else 1 if rr > 1150 else 2,
        pixel=field / size,
        thickness=8.0,
        spacing=8.0 + float(rng.choice([0.0, 1.0, 2.0])),
        lines=min(2 * round(field / y_mm / 2), size),
        readout=min(2 * round(field / x_mm / 2), size),
        partial_fourier=partial,
        lines_per_shot=int(rng.integers(23, 36)),
        base_first=bool(rng.random() < 0.6),
        apodisation=rng.uniform(0.0, 0.7),
    )


def coil_shading(rng: np.random.Generator, slices: int, size: int) -> np.ndarray:
    """Receive sensitivity of a chest array after an incomplete normalisation, ``[slices, size, size]``, near 1.

    Broad bright regions near the chest wall; the strength varies from almost none to a factor of about two.
    """
    strength = rng.uniform(0.05, 0.55)
    x = np.linspace(-1, 1, size, dtype=np.float32)
    field = np.zeros((size, size), dtype=np.float32)
    for _ in range(3):
        at = rng.uniform([-1.0, -1.2], [1.0, 0.4])  # the array lies in front: upper part of the image
        width = rng.uniform(0.6, 1.2)
        field += np.exp(-0.5 * ((x - at[0]) / width) ** 2)[:, None] * np.exp(-0.5 * ((x - at[1]) / width) ** 2)[None]
    field = 1 + strength * (field - field.mean()) / field.std() * np.float32(0.5)
    drift = 1 + 0.04 * rng.normal() * np.linspace(-1, 1, slices)  # along the stack
    return np.maximum(field, 0.25)[None] * drift.astype(np.float32)[:, None, None]


def phase_encode(image: np.ndarray, protocol: Protocol) -> np.ndarray:
    """Signal of a real image ``[slices, x, y]`` after phase encoding alone: complex64 ``[slices, x, lines]``.

    Zero frequency is centred. Orthonormal scaling over the full matrix, so white noise of standard deviation s in
    k-space is s in a fully acquired image.
    """
    return scipy.fft.fft(image, axis=2, norm="ortho")[:, :, _kept(protocol.lines, image.shape[-1])]


def read_out(lines: np.ndarray, protocol: Protocol) -> np.ndarray:
    """Acquired k-space ``[slices, readout, lines]`` of a phase-encoded signal ``[slices, x, lines]``."""
    return scipy.fft.fft(lines, axis=1, norm="ortho")[:, _kept(protocol.readout, lines.shape[1])]


def _kept(count: int, size: int) -> np.ndarray:
    """Positions of the ``count`` lowest frequencies in a transform of ``size`` samples, from negative to positive."""
    return np.arange(-(count // 2), count - count // 2) % size


def _window(count: int, strength: float) -> np.ndarray:
    """Filter over ``count`` frequencies: ``1 - strength`` at the ends, raised cosine between."""
    k = (np.arange(count) - count // 2) / (count / 2)
    return 1 - strength * 0.5 * (1 - np.cos(np.pi * k))


def acquired_lines(protocol: Protocol) -> np.ndarray:
    """Which of ``protocol.lines`` are measured: partial Fourier leaves out the first ones. Boolean ``[lines]``."""
    return np.arange(protocol.lines) >= round((1 - protocol.partial_fourier) * protocol.lines)


def reconstruct(
    kspace: np.ndarray, protocol: Protocol, size: int, noise_sd: float, rng: np.random.Generator
) -> np.ndarray:
    """Noise, zero filling and display: float32 ``[slices, x, y]``, the magnitude or the signed (PSIR) signal.

    The noise is complex and white in k-space; its standard deviation per channel in the image is ``noise_sd``, so the
    magnitude is Rician and the phase-sensitive image Gaussian. The object's phase is taken as known exactly.

    Args:
        kspace: from :func:`read_out`.
        protocol: the acquisition.
        size: side of the reconstructed matrix.
        noise_sd: per channel, in units of the signal.
        rng: source of the noise.
    """
    weight = np.outer(
        _window(protocol.readout, protocol.apodisation),
        _window(protocol.lines, protocol.apodisation) * acquired_lines(protocol),
    )
    share = float(np.sum(weight**2)) / size**2
    noise = rng.standard_normal((*kspace.shape, 2), dtype=np.float32).view(np.complex64)[..., 0]
    noisy = (kspace + noise * np.float32(noise_sd / np.sqrt(share))) * weight.astype(np.float32)
    lines = np.zeros((kspace.shape[0], kspace.shape[1], size), dtype=np.complex64)
    lines[:, :, _kept(protocol.lines, size)] = noisy
    lines = scipy.fft.ifft(lines, axis=2, norm="ortho")
    full = np.zeros((kspace.shape[0], size, size), dtype=np.complex64)
    full[:, _kept(protocol.readout, size)] = lines
    image = scipy.fft.ifft(full, axis=1, norm="ortho")
    return image.real.astype(np.float32) if protocol.display == "psir" else np.hypot(image.real, image.imag)


def store(image: np.ndarray, display: str, gain: float) -> np.ndarray:
    """The 12-bit values a scanner stores, int16: 0 to 4095, PSIR offset by :data:`PSIR_ZERO`.

    Args:
        image: from :func:`reconstruct`.
        display: ``magnitude`` or ``psir``.
        gain: stored units per unit of signal.
    """
    offset = PSIR_ZERO if display == "psir" else 0
    return np.clip(np.rint(image * gain + offset), 0, 4095).astype(np.int16)
