from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiac_transforms.ecg.reading.spectrum import PAD, TILE, comb, comb_score, line_signal, tile_spectra

from .painted_grid import View, paint

X, Y = np.meshgrid(np.arange(TILE), np.arange(TILE))
NOISE = np.random.default_rng(0).normal(0, 0.1, (TILE, TILE)).astype(np.float32)
ORDERS = np.arange(1.0, 7.0)


def lines(wave: complex, sharpness: float = 30.0) -> np.ndarray:
    """Thin lines across a wave vector x + iy in cycles per pixel."""
    phase = 2 * np.pi * (X * wave.real + Y * wave.imag)
    return np.exp(sharpness * (np.cos(phase) - 1)).astype(np.float32)


def waves(*pair: complex) -> np.ndarray:
    return np.array(pair).reshape(1, 2, 1)


@settings(max_examples=20, deadline=None)
@given(pitch=st.floats(8, 40), degrees=st.floats(-30, 30), family=st.sampled_from([0, 1]))
def test_stripes_peak_at_their_wave_vector(pitch, degrees, family):
    wave = 1j**family * np.exp(1j * np.deg2rad(degrees)) / pitch
    tile = np.cos(2 * np.pi * (X * wave.real + Y * wave.imag)).astype(np.float32) + NOISE
    spectrum = tile_spectra(tile[None])[0, family]
    row, column = np.unravel_index(spectrum.argmax(), spectrum.shape)
    found = (column + 1j * (row - PAD // 2)) / PAD
    assert min(abs(found - wave), abs(found + wave)) < 2 / PAD


@pytest.mark.parametrize("noise", [0.1, 1.0])
def test_spectra_of_the_transposed_picture_are_transposed(noise):
    """Also at negative frequencies, which are looked up at their opposites."""
    tile = lines(np.exp(0.2j) / 20) + lines(1j * np.exp(-0.1j) / 23) + NOISE * noise / 0.1
    spectra = [tile_spectra(np.ascontiguousarray(t)[None]) for t in (tile, tile.T)]
    rng = np.random.default_rng(1)
    wave = rng.uniform(-0.45, 0.45, 3000) + 1j * rng.uniform(-0.45, 0.45, 3000)
    wave[:1000] = 1j * wave[:1000].imag  # at the border of the half that is stored
    swapped = wave.imag + 1j * wave.real
    found = [
        comb(s, np.stack([w, w])[None], np.ones(1))[0, ..., 0] for s, w in zip(spectra, (wave, swapped), strict=True)
    ]
    assert np.isfinite(found[0]).all()
    # surroundings are averaged in blocks, which differ a little in the half that is not stored
    for upright, level in ((0, 1), (1, 0)):
        for part in (np.s_[:1000], np.s_[1000:]):
            assert np.corrcoef(found[0][upright, part], found[1][level, part])[0, 1] > 0.97
        assert abs((found[0][upright] - found[1][level]).mean()) < 0.02


@settings(max_examples=20, deadline=None)
@given(pitch=st.floats(12, 40), degrees=st.floats(-30, 30))
def test_level_lines_score_as_upright_lines_of_the_transposed_picture(pitch, degrees):
    wave = np.exp(1j * np.deg2rad(degrees)) / pitch
    tile = lines(wave) + lines(1j * wave) + NOISE
    upright = comb_score(tile_spectra(tile[None]), waves(wave, wave), ORDERS)[0, 0]
    swapped = wave.imag + 1j * wave.real
    level = comb_score(tile_spectra(np.ascontiguousarray(tile.T)[None]), waves(swapped, swapped), ORDERS)[0, 1]
    assert upright == pytest.approx(level, rel=0.15)


def test_opposite_waves_are_the_same():
    spectra = tile_spectra((lines(np.exp(0.3j) / 17) + NOISE)[None])
    wave = np.exp(0.3j) / 17
    assert np.array_equal(
        comb(spectra, waves(wave, wave), ORDERS), comb(spectra, waves(-wave, -wave), ORDERS), equal_nan=True
    )


def test_nothing_is_found_beyond_the_highest_frequency():
    spectra = tile_spectra(NOISE[None])
    assert np.isnan(comb(spectra, waves(0.2, 0.2j), np.array([3.0]))).all()
    assert np.isfinite(comb(spectra, waves(0.2, 0.2j), np.array([2.0]))).all()


@pytest.mark.parametrize("pitch", [15.0, 24.0, 40.0])
def test_a_comb_scores_best_at_its_own_spacing(pitch):
    tile = lines(1 / pitch) + lines(1j / pitch) + NOISE
    spacing = np.geomspace(pitch / 2.5, pitch * 2.5, 400)
    scores = comb_score(tile_spectra(tile[None]), np.array([[1], [1j]])[None] / spacing, ORDERS)[0]
    assert np.allclose(spacing[scores.argmax(axis=1)], pitch, rtol=0.02)
    assert comb_score(tile_spectra(NOISE[None]), waves(1 / pitch, 1j / pitch), ORDERS).max() < scores.max() / 3


@pytest.mark.parametrize("colour", [(240, 170, 170), (150, 190, 160), (255, 190, 90), (190, 190, 190), (120, 150, 230)])
def test_lines_of_any_colour_are_positive(colour):
    view = View((240, 320), 6.0)
    signal = line_signal(paint(view, colour, thin=0))
    on = np.abs((view.to_mm(view.pixels())[..., 0] + 2.5) % 5 - 2.5) < 0.1
    assert signal[on].mean() > 0.6 > 0.2 > abs(signal.mean())


def test_light_does_not_matter_and_traces_are_left_out():
    view = View((240, 320), 6.0)
    image = paint(view, noise=0)
    light = np.linspace(0.35, 1, 320)[None, :, None]
    dim = (image * light).astype(np.uint8)
    assert np.corrcoef(line_signal(image).ravel(), line_signal(dim).ravel())[0, 1] > 0.9
    drawn = image.copy()
    drawn[118:121] = 20
    assert np.abs(line_signal(drawn)[119]).max() < 0.2
    assert line_signal(drawn, black_grid=True)[119].mean() > 1
    elsewhere = np.r_[20:90, 150:220]
    assert np.corrcoef(line_signal(image)[elsewhere].ravel(), line_signal(drawn)[elsewhere].ravel())[0, 1] > 0.98


def test_a_blank_picture_has_no_signal():
    assert np.abs(line_signal(np.full((200, 300, 3), 200, np.uint8))).max() < 1e-3
