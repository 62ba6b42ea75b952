"""Handlers and helpers of MONAI's trainers and evaluators."""

from monai_jdl.engines.checkpoints import BestModelSaver, ResumableTraining
from monai_jdl.engines.precision import AutocastInferer, gains_by_bf16
from monai_jdl.engines.progress import TrainingProgress
from monai_jdl.engines.task_auc import MeanTaskAUC

__all__ = ["AutocastInferer", "BestModelSaver", "MeanTaskAUC", "ResumableTraining", "TrainingProgress", "gains_by_bf16"]
