"""albumentations 2.0.8 (MIT) as a rival of ``benchmark_capture.py``, installed into a folder that only its process sees.

The process is sent the page once, then chains of transforms to time; it measures its own processor time, so what goes through
the pipe does not count. Run as a script, this file is that process.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from rival import Rival, serve

RELEASE = "2.0.8"
# What it imports beyond numpy and scipy, which this environment has.
NEEDS = "albucore==0.0.24 stringzilla simsimd opencv-python-headless pydantic pydantic-core annotated-types typing-inspection"
Chain = list[tuple[str, dict[str, Any]]]
"""Names and arguments of transforms that are applied one after the other."""


class Albumentations(Rival):
    """A process that has albumentations 2.0.8.

    It answers ``take`` with an image ``(H, W, 3)`` uint8, and ``seconds`` with a chain and a seed.

    Args:
        folder: where to install it; what is there already is used.

    Raises:
        RivalError: it cannot be installed or does not start.
    """

    def __init__(self, folder: Path) -> None:
        packages = [f"albumentations=={RELEASE}", *NEEDS.split()]
        super().__init__(__file__, packages, folder / f"albumentations-{RELEASE}", {"NO_ALBUMENTATIONS_UPDATE": "1"})


def answer(held: dict[str, Any], what: str, *values: Any) -> Any:
    """Do one request; ``held`` keeps the page and the chains."""
    import albumentations
    import cv2

    cv2.setNumThreads(1)
    if what == "take":
        held["page"] = np.asarray(values[0])
    if what != "seconds":
        return None
    chain, seed = values
    name = repr(chain)
    if name not in held:
        held[name] = albumentations.Compose([getattr(albumentations, n)(p=1.0, **a) for n, a in chain])
    held[name].set_random_seed(seed)
    begin = time.process_time()
    held[name](image=held["page"])
    return time.process_time() - begin


if __name__ == "__main__":
    serve(answer)
