"""Threshold methods on rings with known remote myocardium and scar."""

import numpy as np
import pytest

from monai_jdl.analysis import fwhm, n_sd, otsu, remote_myocardium

REMOTE, SD, SCAR = 100.0, 10.0, 300.0


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


@pytest.fixture(scope="module")
def ring():
    """A ring in 4 slices with Gaussian noise and a 90-degree transmural scar in slices 1 and 2, no zero anywhere special."""
    x, y = np.mgrid[:100, :100] - 49.5
    radius, angle = np.hypot(x, y), np.degrees(np.arctan2(y, x))
    wall = np.repeat(((radius > 20) & (radius < 30))[..., None], 4, axis=2)
    scar = wall & (np.abs(angle) < 45)[..., None] & np.array([False, True, True, False])
    image = np.random.default_rng(0).normal(REMOTE, SD, wall.shape)
    image[scar] += SCAR - REMOTE
    image[~wall] = 1000  # blood and fat must not matter
    return image, wall, scar


def test_remote_is_a_sixth_of_the_wall_far_from_scar(ring):
    image, wall, scar = ring
    remote = remote_myocardium(image, wall)
    assert not (remote & (scar | ~wall)).any()
    for z in range(4):
        share = remote[..., z].sum() / wall[..., z].sum()
        assert share == pytest.approx(1 / 6, abs=0.02)
        # The darkest of 36 windows lies a little below the mean; the SD is that of the noise.
        assert image[..., z][remote[..., z]].mean() == pytest.approx(REMOTE, abs=0.3 * SD)
        assert image[..., z][remote[..., z]].std() == pytest.approx(SD, rel=0.15)


def test_remote_passes_over_a_sector_without_its_share_of_the_wall(ring):
    image, wall, _ = ring
    angle = np.degrees(np.arctan2(*(np.mgrid[:100, :100] - 49.5)[::-1]))
    open_wall = wall & ~(np.abs(angle - 90) < 40)[..., None]
    edge = open_wall & (np.abs(angle - 90) < 42)[..., None]
    dark = np.where(edge, 0.0, image)  # the few dark pixels beside the outflow tract
    remote = remote_myocardium(dark, open_wall)
    assert remote.sum() > 4 * 100
    assert not remote[..., 0][np.abs(angle - 90) < 20].any()


@pytest.mark.parametrize("n", [3, 4, 5, 6])
def test_n_sd_finds_bright_scar(ring, n):
    image, wall, scar = ring
    assert dice(n_sd(image, wall, n), scar) > 0.97


def test_lower_thresholds_mark_more(ring):
    image, wall, _ = ring
    sizes = [n_sd(image, wall, n).sum() for n in (1, 2, 3, 6)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 1.05 * sizes[2]


def test_n_sd_is_the_stated_threshold_with_a_given_remote():
    image = np.zeros((30, 30, 1))
    wall = np.ones_like(image, dtype=bool)
    remote = np.zeros_like(wall)
    remote[0, :10] = True
    image[0, :10, 0] = [8, 12] * 5  # mean 10, SD 2.108
    image[10:20, 0:10] = 10 + 3 * 2.2
    image[10:20, 20:30] = 10 + 3 * 2.0
    found = n_sd(image, wall, 3, remote)
    assert found[10:20, 0:10].all()
    assert found.sum() == 100


def test_a_slice_without_remote_pixels_takes_those_of_all_slices(ring):
    image, wall, scar = ring
    remote = remote_myocardium(image, wall)
    remote[..., 1:] = False
    assert dice(n_sd(image, wall, 5, remote), scar) > 0.97
    assert not n_sd(image, wall, 5, np.zeros_like(wall)).any()


def test_fwhm_cuts_half_way_between_remote_and_maximum():
    """A ramp from remote to the maximum is cut at its middle."""
    image = np.full((60, 40, 1), 50.0)
    image[20:41] = (50 + 10 * np.arange(21))[:, None, None]  # up to 250 in row 40
    image[41:] = 250
    wall = np.ones_like(image, dtype=bool)
    remote = np.zeros_like(wall)
    remote[:10] = True
    found = fwhm(image, wall, remote)
    assert found[31:].all()
    assert not found[:31].any()  # row 30 holds just 150


def test_fwhm_maximum_is_no_single_noisy_pixel(ring):
    image, wall, scar = ring
    spike = image.copy()
    x, y = np.argwhere(wall[..., 1] & ~scar[..., 1])[200]
    spike[x, y, 1] = 2000
    assert dice(fwhm(spike, wall)[..., 1], scar[..., 1]) > 0.97


def test_one_seed_for_the_stack_leaves_healthy_slices_alone(ring):
    image, wall, scar = ring
    assert dice(fwhm(image, wall, per_slice=False), scar) > 0.98
    healthy = np.array([True, False, False, True])
    assert fwhm(image, wall)[..., healthy].any()  # as the docstring says


@pytest.mark.parametrize("method", [fwhm, otsu, lambda image, wall: n_sd(image, wall, 4)])
def test_methods_do_not_depend_on_where_zero_lies_or_on_the_scale(ring, method):
    """PSIR is stored with an offset, and may be negative."""
    image, wall, _ = ring
    psir = 3 * (image - 250)
    assert (psir[wall] < 0).mean() > 0.5
    assert dice(method(psir, wall), method(image, wall)) > 0.995


def test_otsu_splits_between_two_classes(ring):
    image, wall, scar = ring
    assert dice(otsu(image, wall), scar) > 0.98


@pytest.mark.parametrize("method", [fwhm, otsu, lambda image, wall: n_sd(image, wall, 5)])
def test_enclosed_dark_obstruction_counts_as_scar_and_specks_do_not(ring, method):
    image, wall, scar = ring
    image = image.copy()
    obstruction = np.zeros_like(wall)
    obstruction[73:77, 48:52, 1] = True
    assert (obstruction & scar).sum() == 16
    image[obstruction] = REMOTE - 2 * SD
    speck = np.zeros_like(wall)
    speck[24:27, 48:51, 2] = True  # 9 pixels opposite
    image[speck & wall] = SCAR
    found = method(image, wall)
    assert found[obstruction].all()
    assert not found[24:27, 48:51, 2].any()


@pytest.mark.parametrize("method", [fwhm, otsu, lambda image, wall: n_sd(image, wall, 2)])
def test_no_myocardium_no_scar(method):
    image = np.random.default_rng(0).normal(size=(20, 20, 3))
    assert not method(image, np.zeros(image.shape, bool)).any()


@pytest.mark.parametrize("method", [fwhm, otsu, lambda image, wall: n_sd(image, wall, 2)])
def test_a_few_pixels_of_myocardium_are_no_error(method):
    image = np.random.default_rng(0).normal(size=(20, 20, 3))
    wall = np.zeros(image.shape, bool)
    wall[5:7, 5, 1] = True
    assert not method(image, wall).any()
