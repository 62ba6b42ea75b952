"""Simulated patients: arrays and numbers, no files."""

from monai_jdl.phantoms.lge import TEST_SEEDS, LGECase, frozen_test_set, simulate

__all__ = ["TEST_SEEDS", "LGECase", "frozen_test_set", "simulate"]
