"""Where the 17 segments of the left ventricle face in the body, what they weigh, and when they are activated.

Axes of the body: +X left, +Y inferior, +Z posterior, those of the vectorcardiogram.
"""

from __future__ import annotations

import numpy as np

# Angles of the segments as in the LGE phantom: 0 lateral, 90 anterior, 180 septal, 270 inferior (Cerqueira et al.,
# Circulation 2002;105:539). Segment 17, the apex, has none.
_ANGLE = np.deg2rad([90, 150, 210, 270, 330, 30] * 2 + [90, 180, 270, 0, 0])
_LEVEL = np.repeat([0, 1, 2, 3], [6, 6, 4, 1])  # basal, mid, apical, apex: thirds of the cavity's length, and below it
_INNER, _OUTER = (25.0, 85.0), (34.0, 94.0)  # mm: radius and length of the endocardial and epicardial half ellipsoid

ACTIVATION = (
    np.array(
        [32, 24, 26, 36, 42, 40, 24, 16, 18, 26, 34, 32, 20, 16, 20, 24, 18],
    )
    / 1000
)
"""Mean activation time of each segment in seconds from the QRS onset, ``[17]``: the left side of the septum first, then the
apex and the anterior wall, the lateral and posterior base last (order after Durrer et al., Circulation 1970;41:899; mean over
the wall's thickness at a QRS of 95 ms) [design]."""


def _shares() -> np.ndarray:
    cuts = np.append(np.arange(4) / 3 * _INNER[1], _OUTER[1])

    def volume(radius: float, length: float) -> np.ndarray:
        w = np.minimum(cuts, length)
        return np.pi * radius**2 * (w - w**3 / (3 * length**2))

    return (np.diff(volume(*_OUTER)) - np.diff(volume(*_INNER)))[_LEVEL] / np.bincount(_LEVEL)[_LEVEL]


SEGMENT_SHARE = _shares() / _shares().sum()
"""Share of the left ventricular mass in each segment, ``[17]``, of a half ellipsoidal shell of 9 mm."""


def heart_axes(apex: np.ndarray) -> np.ndarray:
    """Directions of the heart's lateral wall, inferior wall and apex in the body, rows of ``[3, 3]``.

    The lateral direction of the short-axis plane is taken horizontal, as in the LGE phantom.

    Args:
        apex: direction from base to apex, ``[3]``.
    """
    apex = apex / np.linalg.norm(apex)
    lateral = np.array([-apex[2], 0.0, apex[0]])
    lateral /= np.linalg.norm(lateral)
    inferior = np.cross(lateral, apex)
    return np.stack([lateral, inferior, apex])


def segment_normals(axes: np.ndarray) -> np.ndarray:
    """Outward unit normals of the segments in the body, ``[17, 3]``: those of the half ellipsoid at the segment's centre.

    Args:
        axes: from :func:`heart_axes`.
    """
    radius, length = (np.array(_INNER) + np.array(_OUTER)) / 2
    h = np.array([1 / 6, 1 / 2, 5 / 6, 1.0])[_LEVEL]
    radial = np.sqrt(1 - h**2) / radius
    along = h / length
    local = np.stack([radial * np.cos(_ANGLE), -radial * np.sin(_ANGLE), along], 1)
    return local / np.linalg.norm(local, axis=1, keepdims=True) @ axes
