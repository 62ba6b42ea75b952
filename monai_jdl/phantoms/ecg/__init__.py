"""Simulated 12-lead ECGs: a moving dipole in a torso, with scar as forces that are missing."""

from monai_jdl.phantoms.ecg.case import CHANGED_MV, ECGCase, simulate_ecg
from monai_jdl.phantoms.ecg.clinical import Clinical

__all__ = ["CHANGED_MV", "Clinical", "ECGCase", "simulate_ecg"]
