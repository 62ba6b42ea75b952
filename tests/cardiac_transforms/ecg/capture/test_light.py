"""Light multiplies what is there by a smooth gain, and does no more."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiac_transforms.ecg.capture import (
    CapturePage,
    PageCrumple,
    PageFold,
    PageGlare,
    PageShadow,
    RandPageGlare,
    RandPageShadow,
    RandUnevenLight,
    UnevenLight,
)

from .pages import gridded, plain

HEIGHT, WIDTH = 192, 256


def gain_of(effect) -> torch.Tensor:
    """Gain ``(3, H, W)`` that an effect has on grey paper."""
    return effect(plain(HEIGHT, WIDTH, 100.0)).as_tensor() / 100


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 999))
def test_the_gain_is_the_same_for_every_value_of_the_page(seed):
    draws = [RandUnevenLight(1.0), RandPageShadow(1.0)]
    effect = CapturePage([d.set_random_state(seed).draw((3, HEIGHT, WIDTH, 1)) for d in draws])
    gain = gain_of(effect)
    assert 0 < gain.min() and gain.max() <= 1
    page = gridded(HEIGHT, WIDTH)
    torch.testing.assert_close(effect(page).as_tensor(), page * gain, atol=1e-2, rtol=1e-4)


def test_gains_of_several_lights_multiply():
    light, shadow = UnevenLight(), PageShadow()
    torch.testing.assert_close(
        gain_of(CapturePage([light, shadow])), gain_of(light) * gain_of(shadow), atol=2e-3, rtol=0
    )


@pytest.mark.parametrize("direction", [0.0, 90.0, 180.0, -45.0])
def test_light_gets_brighter_in_its_direction_by_its_strength(direction):
    gain = gain_of(UnevenLight(direction, strength=0.6, vignette=0.0, exposure=0.8))[0]
    angle = math.radians(direction)
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    along = ((x - (WIDTH - 1) / 2) * math.cos(angle) + (y - (HEIGHT - 1) / 2) * math.sin(angle)) / WIDTH
    expected = 0.6 * along
    torch.testing.assert_close(gain.log() - gain.log().max(), expected - expected.max(), atol=4e-3, rtol=0)
    assert float(gain.max()) == pytest.approx(0.8, abs=3e-3)


def test_vignette_and_tint():
    gain = gain_of(UnevenLight(strength=0.0, vignette=0.2, exposure=1.0, tint=(1.0, 0.9, 0.7)))
    assert float(gain[0, HEIGHT // 2, WIDTH // 2]) == pytest.approx(1, abs=1e-3)
    assert float(gain[0, 0, 0]) == pytest.approx(1 / 1.2**2, abs=3e-3)
    torch.testing.assert_close(gain[2] / gain[0], torch.full((HEIGHT, WIDTH), 0.7), atol=1e-4, rtol=0)


@settings(deadline=None, max_examples=20)
@given(
    x=st.floats(-0.4, 0.4),
    y=st.floats(-0.3, 0.3),
    radius=st.floats(0.1, 0.3),
    darkness=st.floats(0.05, 0.9),
    softness=st.floats(0.05, 0.15),
)
def test_a_shadow_darkens_inside_only_and_fades_at_its_edge(x, y, radius, darkness, softness):
    gain = gain_of(PageShadow(x, y, radius, 1.0, 0.0, darkness, softness))[0]
    rows, columns = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    place = torch.stack([columns - (WIDTH - 1) / 2, rows - (HEIGHT - 1) / 2]) / WIDTH
    distance = torch.hypot(place[0] - x, place[1] - y) - radius
    cell = 2 * 16 / WIDTH  # the light is computed on a mesh of 16 pixels
    assert (gain[distance > softness / 2 + cell] == 1).all()
    inside = gain[distance < -softness / 2 - cell]
    torch.testing.assert_close(inside, torch.full_like(inside, 1 - darkness))
    assert gain.min() > 1 - darkness - 1e-4 and gain.max() <= 1 + 1e-6


def test_the_edge_of_a_shadow_is_a_cubic_step():
    picture = PageShadow(-0.5, 0.0, 0.5, 1.0, 0.0, 1.0, 0.4)(plain(200, 801, 100.0)).as_tensor()[0, 100] / 100
    for share in (0.25, 0.5, 0.75):  # of the way from inside to outside
        column = 400 + round(801 * 0.4 * (share - 0.5))
        assert float(picture[column]) == pytest.approx(share**2 * (3 - 2 * share), abs=0.01)


def test_a_fold_is_shaded_by_lamberts_law():
    turn, elevation = 16.0, 40.0
    effect = PageFold(((0.0, 0.0, turn),), width=0.002, light=180.0, elevation=elevation)
    picture = effect(plain(HEIGHT, WIDTH, 100.0)).as_tensor()
    tilt, height = math.radians(turn / 2), math.radians(elevation)
    # light from the left; the sides rise towards the viewer, so the right one faces the light
    left, right = (math.sin(height + sign * tilt) / math.sin(height) for sign in (-1, 1))
    ratio = float(picture[0, 90:100, 40:60].mean() / picture[0, 90:100, -60:-40].mean())
    assert ratio == pytest.approx(left / right, rel=1e-3)
    assert right > left


def test_a_crumpled_page_has_light_and_dark_flanks_and_none_with_the_light_above():
    ridge = ((0.0, 0.0, 0.0, 0.01, 0.08, 0.3),)
    page = plain(HEIGHT, WIDTH, 100.0)
    shaded = PageCrumple(ridge, light=180.0, elevation=45.0)(page).as_tensor()[0, HEIGHT // 2]
    assert shaded[108] > shaded[148] + 5  # light comes from the left
    above = PageCrumple(ridge, elevation=90.0)(page).as_tensor()[0, HEIGHT // 2]
    assert above.min() > 98.5


def test_glare_veils_with_white_and_only_brightens():
    page = gridded(HEIGHT, WIDTH)
    veiled = PageGlare(0.0, 0.0, 0.2, 0.8)(page).as_tensor()
    assert (veiled >= page - 1e-3).all() and veiled.max() <= 255
    centre = veiled[:, HEIGHT // 2 - 1, WIDTH // 2 + 1]  # black ink, washed out
    assert float(centre.mean()) == pytest.approx(0.8 * 255, abs=6)
    torch.testing.assert_close(veiled[:, 48, 0], page[:, 48, 0], atol=1, rtol=0)


def test_grey_pages_get_the_mean_of_a_coloured_light():
    tint = (1.0, 0.8, 0.6)
    grey = UnevenLight(strength=0.0, vignette=0.0, exposure=1.0, tint=tint)(plain(64, 64, 100.0, 1))
    torch.testing.assert_close(grey.as_tensor(), plain(64, 64, 80.0, 1), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: UnevenLight(exposure=0), "exposure"),
        (lambda: UnevenLight(tint=(1, 2, 1)), "tint"),
        (lambda: UnevenLight(vignette=-1), "vignette"),
        (lambda: RandUnevenLight(warmth=2), "warmth"),
        (lambda: PageShadow(darkness=2), "darkness"),
        (lambda: PageShadow(softness=0), "softness"),
        (lambda: RandPageShadow(darkness=(0.5, 0.2)), "darkness"),
        (lambda: PageGlare(strength=2), "strength"),
        (lambda: PageGlare(radius=0), "radius"),
        (lambda: RandPageGlare(radius=0), "radius"),
    ],
)
def test_impossible_arguments_are_refused_by_name(make, name):
    with pytest.raises(ValueError, match=name):
        make()
