"""Shape of the left ventricle: a truncated half ellipsoid with a bent axis, an open outflow tract and papillary muscles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monai_jdl.phantoms.draws import SurfaceNoise, truncated_normal

ANGLES = 720
"""Number of angular bins of the surface tables (half a degree, 0.3 mm on the epicardium)."""
PHI = (np.arange(ANGLES) + 0.5) * (2 * np.pi / ANGLES)
"""Centres of the bins in radians: 0 lateral, pi/2 anterior, pi septal, 3 pi/2 inferior."""


@dataclass(frozen=True)
class Ventricle:
    """One patient's left ventricle at mid-diastole; lengths in mm.

    The height ``w`` runs along the slice normal from the mitral annulus (0) to the apex. Sizes follow the half
    ellipsoid: ``a = 25``, ``wall = 9``, ``length = 85`` hold 111 mL in 122 g of muscle.

    Attributes:
        a: endocardial radius at the annulus.
        length: from the annulus to the endocardial apex.
        wall: wall thickness at the annulus, without thinning and noise.
        ellipticity: relative difference of the two in-plane radii.
        tilt: drift of the axis per mm of height, along x and y.
        bend: sag of the axis at mid height, along x and y.
        outflow: angle (rad), half width (rad) and height of the sector where the aortic root opens the ring.
        base_slope: height of the annulus at its highest over its mean.
        base_angle: angle of the highest point of the annulus, rad.
        papillary: (angle in rad, radius in mm, distance from the axis relative to the endocardium) of the two muscles.
    """

    a: float
    length: float
    wall: float
    ellipticity: float
    ellipse_angle: float
    tilt: tuple[float, float]
    bend: tuple[float, float]
    outflow: tuple[float, float, float]
    base_slope: float
    base_angle: float
    papillary: tuple[tuple[float, float, float], ...]
    shape_noise: SurfaceNoise
    wall_noise: SurfaceNoise
    trabeculae: SurfaceNoise

    def centre(self, w: np.ndarray) -> np.ndarray:
        """In-plane position (x lateral, y inferior) of the axis at heights ``w``: shape ``[w.size, 2]``, zero at mid height."""
        h = np.clip(w / self.length, -0.2, 1.2)
        sag = 1 - (2 * h - 1) ** 2
        return np.outer(w - self.length / 2, self.tilt) + np.outer(sag - 1, self.bend)

    def base(self) -> np.ndarray:
        """Height of the annulus at each angle of :data:`PHI`; muscle lies at larger ``w``."""
        phi, half, height = self.outflow
        off = np.abs(np.angle(np.exp(1j * (PHI - phi))))
        opening = height * np.clip((half - off) / 0.25 + 0.5, 0, 1)
        return np.maximum(opening, 0) + self.base_slope * np.cos(PHI - self.base_angle)

    def surfaces(self, w: np.ndarray, thinning: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Endocardial and epicardial radius in mm at heights ``w`` and angles :data:`PHI`, each ``[w.size, ANGLES]``.

        Beyond the endocardial apex the endocardial radius goes on negative, so that the depth
        ``(r - endo) / (epi - endo)`` stays 0 on the endocardium and 1 on the epicardium in the apical cap too.

        Args:
            w: heights in mm.
            thinning: relative loss of wall thickness, ``[w.size, ANGLES]``; the cavity bulges into it.
        """
        h = np.clip(w / self.length, -0.1, 1.1)
        wall = self.wall * (1 + 0.10 * self.wall_noise(PHI, h)) * (1 - 0.15 * np.clip(h, 0, 1)[:, None])
        outline = 1 + 0.5 * self.ellipticity * np.cos(2 * (PHI - self.ellipse_angle)) + 0.025 * self.shape_noise(PHI, h)
        up = np.maximum(w, 0)[:, None]
        epi = (self.a + self.wall) * outline * np.sqrt(np.clip(1 - (up / (self.length + self.wall)) ** 2, 0, 1))
        inner = self.a * outline * np.sqrt(np.clip(1 - (up / self.length) ** 2, 0, 1))
        natural = (epi - inner) * wall / self.wall
        endo = epi - natural * (1 - thinning) + 0.35 * self.trabeculae(PHI, h)
        endo = np.where(up >= self.length, self.length - up, np.where(inner < 4, np.minimum(endo, inner), endo))
        return endo.astype(np.float32), epi.astype(np.float32)


def draw_ventricle(rng: np.random.Generator, ischaemic: bool) -> Ventricle:
    """Draw a ventricle; after an infarct it is larger on average (end-diastolic volume about 150 instead of 120 mL)."""
    a = truncated_normal(rng, 27.5 if ischaemic else 25.0, 2.4, 21.0, 33.0)
    length = truncated_normal(rng, 54 + 1.15 * a, 5.0, 70.0, 102.0)
    hypertrophy = rng.random() < 0.12
    wall = truncated_normal(rng, 8.3, 0.9, 6.6, 10.5) + (rng.uniform(2, 4) if hypertrophy else 0.0)
    return Ventricle(
        a=a,
        length=length,
        wall=wall,
        ellipticity=rng.uniform(-0.08, 0.08),
        ellipse_angle=rng.uniform(0, np.pi),
        tilt=tuple(rng.normal(0, 0.06, 2).tolist()),
        bend=tuple(rng.normal(0, 2.0, 2).tolist()),
        outflow=(np.deg2rad(rng.normal(130, 10)), np.deg2rad(rng.uniform(28, 45)), rng.uniform(5.0, 13.0)),
        base_slope=rng.uniform(0, 4.0),
        base_angle=rng.uniform(0, 2 * np.pi),
        papillary=(
            (np.deg2rad(rng.normal(40, 8)), rng.uniform(2.8, 4.8), rng.uniform(0.62, 0.86)),
            (np.deg2rad(rng.normal(245, 8)), rng.uniform(2.8, 4.8), rng.uniform(0.62, 0.86)),
        ),
        shape_noise=SurfaceNoise(rng, 5, 2),
        wall_noise=SurfaceNoise(rng, 4, 3),
        trabeculae=SurfaceNoise(rng, 18, 6),
    )
