"""Pictures of 12-lead ECG pages: how they are captured, and how they are read."""

from cardiac_transforms.ecg.canonical import canonical_boxes, canonical_page
from cardiac_transforms.ecg.leads import DURATION, LAYOUTS, LEADS, Layout, LeadBox

__all__ = ["DURATION", "LAYOUTS", "LEADS", "Layout", "LeadBox", "canonical_boxes", "canonical_page"]
