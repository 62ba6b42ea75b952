"""What a mask or a probability means: scar burden, threshold methods, metrics and their statistics. Arrays in, tables out."""

from monai_jdl.analysis.calibration import Temperature, brier, calibration_scores, log_loss, reliability_curve
from monai_jdl.analysis.cohort import COHORT_COLUMNS, cohort_table
from monai_jdl.analysis.decision_curve import net_benefit
from monai_jdl.analysis.ecg_signals import reconstruction_snr
from monai_jdl.analysis.metrics import EXTRA_COLUMNS, METRICS_COLUMNS, case_detection, case_metrics
from monai_jdl.analysis.operating_points import (
    apply_thresholds,
    call_metrics,
    choose_thresholds,
    control_cohort,
    f1_score,
    threshold_curves,
)
from monai_jdl.analysis.predictions import Predictions, bootstrap_settings, proportion
from monai_jdl.analysis.prevalence import at_prevalence
from monai_jdl.analysis.readers import compare_reader
from monai_jdl.analysis.roc import (
    area_under_roc,
    auc_interval,
    average_precision,
    compare_auc,
    compare_metrics,
    discrimination,
    precision_recall_curve,
    roc_band,
    roc_curve,
)
from monai_jdl.analysis.scar import MUSCLE_DENSITY, SCAR_COLUMNS, detection_score, scar_burden, voxel_volume_ml
from monai_jdl.analysis.statistics import agreement, bootstrap_interval, detection, finite, summarise
from monai_jdl.analysis.subgroups import subgroup_table
from monai_jdl.analysis.thresholds import fwhm, n_sd, otsu, remote_myocardium

__all__ = [
    "COHORT_COLUMNS",
    "EXTRA_COLUMNS",
    "METRICS_COLUMNS",
    "MUSCLE_DENSITY",
    "SCAR_COLUMNS",
    "Predictions",
    "Temperature",
    "agreement",
    "apply_thresholds",
    "area_under_roc",
    "at_prevalence",
    "auc_interval",
    "average_precision",
    "bootstrap_interval",
    "bootstrap_settings",
    "brier",
    "calibration_scores",
    "call_metrics",
    "case_detection",
    "case_metrics",
    "choose_thresholds",
    "cohort_table",
    "compare_auc",
    "compare_metrics",
    "compare_reader",
    "control_cohort",
    "detection",
    "detection_score",
    "discrimination",
    "f1_score",
    "finite",
    "fwhm",
    "log_loss",
    "n_sd",
    "net_benefit",
    "otsu",
    "precision_recall_curve",
    "proportion",
    "reconstruction_snr",
    "reliability_curve",
    "remote_myocardium",
    "roc_band",
    "roc_curve",
    "scar_burden",
    "subgroup_table",
    "summarise",
    "threshold_curves",
    "voxel_volume_ml",
]
