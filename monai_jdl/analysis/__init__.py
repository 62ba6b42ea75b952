"""What a mask or a probability means: scar burden, threshold methods, metrics and their statistics. Arrays in, tables out."""

from monai_jdl.analysis.ecg_signals import reconstruction_snr
from monai_jdl.analysis.metrics import EXTRA_COLUMNS, METRICS_COLUMNS, case_detection, case_metrics
from monai_jdl.analysis.scar import MUSCLE_DENSITY, SCAR_COLUMNS, detection_score, scar_burden, voxel_volume_ml
from monai_jdl.analysis.statistics import agreement, bootstrap_interval, detection, finite, summarise
from monai_jdl.analysis.thresholds import fwhm, n_sd, otsu, remote_myocardium

__all__ = [
    "EXTRA_COLUMNS",
    "METRICS_COLUMNS",
    "MUSCLE_DENSITY",
    "SCAR_COLUMNS",
    "agreement",
    "bootstrap_interval",
    "case_detection",
    "case_metrics",
    "detection",
    "detection_score",
    "finite",
    "fwhm",
    "n_sd",
    "otsu",
    "reconstruction_snr",
    "remote_myocardium",
    "scar_burden",
    "summarise",
    "voxel_volume_ml",
]
