"""What happens to an ECG page between the printer and its picture; each module lists its public names in ``__all__``.

Every effect is a transform of its own; :class:`CapturePage` composes them, and :class:`RandCapturePage` draws whole captures.
"""

from cardiac_transforms.ecg.capture import encoding, geometry, handwriting, ink, light, photo, sensor, stains
from cardiac_transforms.ecg.capture.encoding import *
from cardiac_transforms.ecg.capture.geometry import *
from cardiac_transforms.ecg.capture.handwriting import *
from cardiac_transforms.ecg.capture.ink import *
from cardiac_transforms.ecg.capture.light import *
from cardiac_transforms.ecg.capture.photo import *
from cardiac_transforms.ecg.capture.sensor import *
from cardiac_transforms.ecg.capture.stains import *

__all__ = [
    *encoding.__all__,
    *geometry.__all__,
    *handwriting.__all__,
    *ink.__all__,
    *light.__all__,
    *photo.__all__,
    *sensor.__all__,
    *stains.__all__,
]
