"""Smooth functions of two coordinates: polynomials with their slopes, robust fits, local planes through scattered values."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev


class Polynomial2D:
    """A Chebyshev polynomial of the pixels of a picture, up to a total degree.

    Args:
        shape: (height, width) of the picture, which sets the unit of length.
        degree: largest sum of the exponents.
    """

    def __init__(self, shape: tuple[int, int], degree: int) -> None:
        self.shape = shape
        self.degree = degree
        self.terms = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
        self.coefficients = np.zeros((degree + 1, degree + 1))

    def _unit(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        half = max(self.shape) / 2
        return (x - self.shape[1] / 2) / half, (y - self.shape[0] / 2) / half

    def values(self, points: np.ndarray) -> np.ndarray:
        """The terms ``[N, terms]`` at points ``[N, 2]`` (x, y)."""
        x, y = (chebyshev.chebvander(a, self.degree) for a in self._unit(*points.T))
        return np.stack([x[:, i] * y[:, j] for i, j in self.terms], axis=1)

    def slopes(self, points: np.ndarray) -> np.ndarray:
        """Derivatives ``[2, N, terms]`` of the terms by x and by y, per pixel."""
        powers, slopes = [], []
        for a in self._unit(*points.T):
            powers.append(chebyshev.chebvander(a, self.degree))
            derived = chebyshev.chebder(np.eye(self.degree + 1), axis=0)
            slopes.append(chebyshev.chebval(a, derived).T / (max(self.shape) / 2))
        return np.stack(
            [
                np.stack([slopes[0][:, i] * powers[1][:, j] for i, j in self.terms], axis=1),
                np.stack([powers[0][:, i] * slopes[1][:, j] for i, j in self.terms], axis=1),
            ]
        )

    def fit(self, design: np.ndarray, target: np.ndarray, weight: np.ndarray, scale: float) -> Polynomial2D:
        """Set the coefficients by least squares that outliers hardly move (Cauchy weights).

        Args:
            design: ``[M, terms]``, of :meth:`values` or :meth:`slopes`.
            target: ``[M]``.
            weight: ``[M]``.
            scale: residual that halves a target's weight.
        """
        order = np.array([i + j for i, j in self.terms])
        # bends need evidence: a slight pull towards a plane
        ridge = np.sqrt(weight.sum()) * 3e-3 * np.abs(design).mean() * np.where(order > 1, order**2, 1e-3)
        weights = weight
        for _ in range(8):
            weighted = design * weights[:, None]
            solution = np.linalg.solve(weighted.T @ design + np.diag(ridge**2), weighted.T @ target)
            weights = weight / (1 + ((target - design @ solution) / scale) ** 2)
        for term, value in zip(self.terms, solution, strict=True):
            self.coefficients[term] = value
        return self

    def grid(self, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
        """Values ``[len(ys), len(xs)]``."""
        x, y = self._unit(xs, ys)
        return chebyshev.chebgrid2d(x, y, self.coefficients).T


def local_planes(values: np.ndarray, weights: np.ndarray, sigma: float) -> np.ndarray:
    """At each place of a lattice the plane that fits the values around it best, evaluated there.

    Args:
        values: ``[rows, columns]``; where ``weights`` is 0 they do not matter.
        weights: how far each is trusted.
        sigma: standard deviation of the Gaussian neighbourhood, in places.

    Returns:
        ``[rows, columns]``; 0 where nothing is near.
    """
    down, across = (_moments(n, sigma) for n in values.shape)
    across = across.swapaxes(1, 2)
    weighed, product = down @ weights, down[:2] @ (np.where(weights > 0, values, 0) * weights)
    (mass, x, xx), (y, xy), yy = weighed[0] @ across, weighed[1] @ across[:2], weighed[2] @ across[0]
    # a slope needs evidence on more than one side: it is held back by what one neighbour of full weight would say
    hold = sigma**2
    xx, yy = xx + hold, yy + hold
    # the two slopes are eliminated from the normal equations
    determinant = xx * yy - xy**2
    left, up = (yy * x - xy * y) / determinant, (xx * y - xy * x) / determinant
    plane = product[0] @ across[0] - left * (product[0] @ across[1]) - up * (product[1] @ across[0])
    return np.where(mass > 1e-6, plane / (mass - left * x - up * y + 1e-9), 0)


@lru_cache(maxsize=64)
def _moments(count: int, sigma: float) -> np.ndarray:
    """Matrices ``[3, count, count]`` that sum (distance to the power 0, 1, 2) x Gaussian along one axis of a lattice."""
    t = np.subtract.outer(np.arange(count), np.arange(count)).T.astype(float)
    gaussian = np.where(np.abs(t) <= np.ceil(3 * sigma), np.exp(-0.5 * (t / sigma) ** 2), 0.0)
    return np.stack([gaussian, gaussian * t, gaussian * t**2])
