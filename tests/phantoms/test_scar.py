"""Shape of ventricle and scar on the fine grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from monai_jdl.phantoms.draws import SurfaceNoise, generator
from monai_jdl.phantoms.heart import PLANE, TISSUES, TRUTH, draw_heart, render_heart
from monai_jdl.phantoms.scar import draw_lesion, scar_of_wall
from monai_jdl.phantoms.ventricle import PHI


def whole_heart(seed: int, kind: str):
    heart = draw_heart(seed, kind)
    planes = np.arange(-5.0, 120.0, PLANE)
    return heart, render_heart(heart, planes, 1.45, 256, (5.0, -3.0))


def test_surface_noise_has_unit_spread_and_does_not_depend_on_the_grid():
    spread = [SurfaceNoise(np.random.default_rng(s), 6, 3)(PHI, np.linspace(0, 1, 50)).std() for s in range(40)]
    assert np.mean(spread) == pytest.approx(1, abs=0.15)
    noise = SurfaceNoise(np.random.default_rng(0), 6, 3)
    heights = np.linspace(0, 1, 11)
    np.testing.assert_allclose(noise(PHI, heights)[::2], noise(PHI, heights[::2]), atol=1e-5)


def test_each_subject_has_draws_of_its_own():
    draws = [generator(5, s).random() for s in ("protocol", "anatomy", "scar", "tissue", "noise", "motion")]
    assert len(set(draws)) == len(draws)
    assert generator(5, "scar").random() == draws[2] != generator(6, "scar").random()


@pytest.mark.parametrize("seed", range(4))
def test_volumes_are_those_of_the_half_ellipsoid(seed):
    heart, stack = whole_heart(seed, "normal")
    lv = heart.ventricle
    cavity = 2 / 3 * np.pi * lv.a**2 * lv.length / 1000
    outer = 2 / 3 * np.pi * (lv.a + lv.wall) ** 2 * (lv.length + lv.wall) / 1000
    # the outflow tract, the thinner apex and the uneven surface take some muscle away
    assert stack.volumes_ml["cavity"] == pytest.approx(cavity, rel=0.12)
    assert 0.80 < stack.volumes_ml["myocardium"] / (outer - cavity) < 1.03


@pytest.mark.parametrize("kind", ["ischaemic", "nonischaemic", "normal"])
@pytest.mark.parametrize("seed", range(40, 46))
def test_the_drawn_scar_mass_is_met(kind, seed):
    heart, stack = whole_heart(seed, kind)
    drawn = heart.lesion.size if heart.lesion else 0.0
    assert stack.volumes_ml["scar"] / stack.volumes_ml["myocardium"] == pytest.approx(drawn, abs=0.002)
    assert (stack.segments > 0).any() == (drawn > 0) and stack.segments.max() <= 1 + 1e-6
    if kind == "ischaemic":
        assert 0.1 < stack.transmurality <= 1


def test_tissues_fill_every_voxel_at_most_once_and_agree_with_the_truth():
    _, stack = whole_heart(43, "ischaemic")
    cover = stack.tissue.sum(0)
    assert stack.tissue.min() > -1e-5 and cover.max() < 1 + 1e-4
    truth = dict(zip(TRUTH, stack.truth, strict=True))
    tissue = dict(zip(TISSUES, stack.tissue, strict=True))
    assert (truth["scar"] <= truth["myocardium"] + 1e-5).all() and (truth["obstruction"] <= truth["scar"] + 1e-5).all()
    assert (truth["myocardium"] + truth["cavity"] <= 1 + 1e-4).all()
    assert (tissue["obstruction"] <= truth["obstruction"] + 1e-5).all()
    assert (tissue["scar"] + tissue["obstruction"] <= truth["scar"] + 1e-5).all()
    deep = truth["cavity"] > 0.999  # the cavity holds blood and papillary muscle
    assert np.allclose((tissue["blood"] + tissue["remote"])[deep], 1, atol=1e-3)


def wall_voxels(n: int = 40_000) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    depth, lateral = rng.random(n, dtype=np.float32), rng.uniform(0, 4, n).astype(np.float32)
    return depth, lateral, np.zeros(n, np.float32), np.full(n, 9, np.float32), np.ones(n, np.float32)


def lesion_with(condition):
    """The first drawn infarct for which ``condition`` holds."""
    for seed in range(500):
        lesion = draw_lesion(np.random.default_rng(seed), "ischaemic", 85.0, 9.0)
        if condition(lesion):
            return lesion
    raise AssertionError("no such infarct in 500 draws")


def test_a_subendocardial_infarct_starts_at_the_endocardium_and_goes_as_deep_as_drawn():
    lesion = lesion_with(lambda les: 0.3 < les.half_depth < 0.7 and les.obstruction == 0)
    depth, *rest = wall_voxels()
    found = scar_of_wall(lesion, depth, *rest)
    lateral = rest[0]
    core = lateral < 0.3 * found.extent
    border = lesion.border / 9 / 2
    assert (found.scar[core & (depth < lesion.half_depth * 0.9 - border)] == 1).all()
    assert (found.scar[depth > lesion.half_depth + border + 0.02] == 0).all()
    ring = found.scar[(found.scar > 0) & (found.scar < 1)]
    assert ring.min() >= 0.3 - 1e-6 and ring.max() <= 0.7 + 1e-6


def test_obstruction_is_a_core_of_deep_infarcts_clear_of_the_epicardium():
    lesion = lesion_with(lambda les: les.obstruction > 0)
    assert lesion.half_depth > 0.6
    depth, *rest = wall_voxels()
    found = scar_of_wall(lesion, depth, *rest)
    inside = found.obstruction > 0
    assert inside.any() and (found.scar[inside] == 1).all() and depth[inside].max() < 0.75
    assert found.obstruction.sum() / found.scar.sum() == pytest.approx(lesion.obstruction, rel=0.02)
    # one that would fill the whole infarct still stays off both surfaces
    found = scar_of_wall(replace(lesion, obstruction=1.0, half_depth=1.5), depth, *rest)
    reach = depth[found.obstruction > 0]
    assert reach.min() > 0.05 and 0.7 < reach.max() < 0.75


def test_drawn_infarcts_follow_the_literature():
    drawn = [draw_lesion(np.random.default_rng(s), "ischaemic", 85.0, 9.0) for s in range(600)]
    size = np.array([les.size for les in drawn])
    assert size.mean() == pytest.approx(0.118, abs=0.012) and size.std() == pytest.approx(0.072, abs=0.010)
    assert size.min() >= 0.02 and size.max() <= 0.30
    assert all(les.half_depth > 0.6 and 0.05 <= les.obstruction <= 0.25 for les in drawn if les.obstruction)
