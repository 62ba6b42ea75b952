"""The classical ways of finding scar within a given myocardium: n-SD, full width at half maximum (FWHM) and Otsu.

They serve magnitude and phase-sensitive (PSIR) images alike, for none depends on where zero lies (scanners store PSIR with
an offset). All work slice by slice but for Otsu, and end in the same way: clusters of fewer than 10 pixels in a slice are
noise and go, and dark islands that scar encloses (microvascular obstruction) are added, as readers do (Flett et al., JACC
Cardiovasc Imaging 2011;4:150-156).
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from cardiac_transforms.mri.scar_label import fill_islands

MINIMUM_PIXELS = 10
SECTOR_DEGREES = 60
STEP_DEGREES = 10
# Fewer pixels give no usable standard deviation, nor a seed.
ENOUGH_PIXELS = 5
OTSU_BINS = 128


def remote_myocardium(image: np.ndarray, myocardium: np.ndarray) -> np.ndarray:
    """Remote (healthy) myocardium, found without a reader: in each slice the 60-degree sector with the lowest mean.

    Sectors turn about the centroid of the slice's myocardium in steps of 10 degrees; one with less than half of its share of
    the wall (an outflow tract) does not count. Where all of a slice is scar, the sector lies in scar; a reader's ROI does not.

    Args:
        image: [X, Y, Z].
        myocardium: boolean [X, Y, Z].

    Returns:
        boolean [X, Y, Z].
    """
    remote = np.zeros_like(myocardium)
    for z in np.flatnonzero(myocardium.any(axis=(0, 1))):
        x, y = np.nonzero(myocardium[..., z])
        values = image[x, y, z]
        angle = np.degrees(np.arctan2(y - y.mean(), x - x.mean()))
        centres = np.arange(0, 360, STEP_DEGREES)
        inside = np.abs((angle - centres[:, None] + 180) % 360 - 180) <= SECTOR_DEGREES / 2
        inside = inside[inside.sum(axis=1) >= 0.5 * len(values) * SECTOR_DEGREES / 360]
        darkest = inside[np.argmin([values[sector].mean() for sector in inside])]
        remote[x[darkest], y[darkest], z] = True
    return remote


def n_sd(image: np.ndarray, myocardium: np.ndarray, n: float, remote: np.ndarray | None = None) -> np.ndarray:
    """Scar = brighter than the mean plus ``n`` standard deviations of remote myocardium in the same slice.

    Kim et al., Circulation 1999;100:1992-2002 (2 SD); 5 and 6 SD: Flett et al. 2011.

    Args:
        image: [X, Y, Z], magnitude or PSIR.
        myocardium: boolean [X, Y, Z], the whole wall.
        n: 2 to 6 are in use.
        remote: boolean [X, Y, Z]; default :func:`remote_myocardium`. A slice with fewer than 5 remote pixels takes mean and
            SD over all slices.

    Returns:
        boolean [X, Y, Z], within the myocardium.
    """
    mean, sd = _remote_statistics(image, myocardium, remote)
    return _tidy((image > mean + n * sd) & myocardium, myocardium)


def fwhm(
    image: np.ndarray, myocardium: np.ndarray, remote: np.ndarray | None = None, per_slice: bool = True
) -> np.ndarray:
    """Scar = brighter than half way between remote myocardium and the scar's maximum.

    Amado et al., J Am Coll Cardiol 2004;44:2383-2389 take 50 % of the maximum in magnitude images, where remote myocardium is
    nulled, that is near zero; half way from the remote mean is the same there, and holds for PSIR and for remote myocardium
    that was not nulled (Engblom et al., J Cardiovasc Magn Reson 2016;18:27, "FWHM (remote)"). The seed that a reader sets is
    automatic: the pixel with the highest 3x3 mean over myocardium; that mean is the maximum, so one noisy pixel is not.
    There is a maximum in healthy slices too, in which a seed of their own therefore marks scar where a reader sets none; one
    seed for the stack marks little there, but fails where slices differ in brightness. A fair comparison shows both.

    Args:
        image: [X, Y, Z], magnitude or PSIR.
        myocardium: boolean [X, Y, Z], the whole wall.
        remote: as in :func:`n_sd`.
        per_slice: each slice has its own seed; else the stack's brightest serves all.

    Returns:
        boolean [X, Y, Z], within the myocardium.
    """
    mean, _ = _remote_statistics(image, myocardium, remote)
    box = (3, 3, 1)
    share = ndimage.uniform_filter(myocardium.astype(float), box, mode="constant")
    local = ndimage.uniform_filter(np.where(myocardium, image, 0.0), box, mode="constant")
    usable = myocardium & (share > (ENOUGH_PIXELS - 0.5) / 9)
    maximum = np.divide(local, share, out=np.full(image.shape, -np.inf), where=usable).max(axis=(0, 1))
    if not per_slice:
        maximum[:] = maximum.max()
    half = 0.5 * (mean + np.where(np.isfinite(maximum), maximum, np.inf))
    return _tidy((image > half) & myocardium, myocardium)


def otsu(image: np.ndarray, myocardium: np.ndarray) -> np.ndarray:
    """Scar = the brighter of the two classes into which Otsu's threshold splits the myocardium of the whole stack.

    Otsu, IEEE Trans Syst Man Cybern 1979;9:62-66; for LGE: Vermes et al., J Magn Reson Imaging 2013;37:382-390. It finds two
    classes in healthy myocardium too.

    Args:
        image: [X, Y, Z], magnitude or PSIR.
        myocardium: boolean [X, Y, Z], the whole wall.

    Returns:
        boolean [X, Y, Z], within the myocardium.
    """
    if not myocardium.any():
        return np.zeros_like(myocardium)
    find = sitk.OtsuThresholdImageFilter()
    find.SetNumberOfHistogramBins(OTSU_BINS)
    find.Execute(sitk.GetImageFromArray(image[myocardium].astype(np.float32)[None]))
    return _tidy((image > find.GetThreshold()) & myocardium, myocardium)


def _remote_statistics(
    image: np.ndarray, myocardium: np.ndarray, remote: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and SD [Z] of remote myocardium per slice; over all slices where a slice has too few pixels."""
    remote = remote_myocardium(image, myocardium) if remote is None else remote & myocardium
    mean, sd = np.full(image.shape[2], np.inf), np.zeros(image.shape[2])
    if np.count_nonzero(remote) >= ENOUGH_PIXELS:
        mean[:], sd[:] = image[remote].mean(), image[remote].std(ddof=1)
    for z in np.flatnonzero(remote.sum(axis=(0, 1)) >= ENOUGH_PIXELS):
        values = image[..., z][remote[..., z]]
        mean[z], sd[z] = values.mean(), values.std(ddof=1)
    return mean, sd


def _tidy(scar: np.ndarray, myocardium: np.ndarray) -> np.ndarray:
    """Drop specks of fewer than 10 pixels (joined at corners too) in a slice, then add enclosed dark islands."""
    in_plane = np.zeros((3, 3, 3), dtype=bool)
    in_plane[:, :, 1] = True
    clusters, _ = ndimage.label(scar, structure=in_plane)
    large = np.bincount(clusters.ravel()) >= MINIMUM_PIXELS
    large[0] = False
    return fill_islands(large[clusters], myocardium)
