"""What a person looks at: tables, figures and pages. Files in, files out."""

from monai_jdl.reports.calibration import Calibration, load_calibration, write_calibration
from monai_jdl.reports.case import case_report
from monai_jdl.reports.case_tables import MetricsTable, ScarTable
from monai_jdl.reports.classification import (
    CLASSIFICATION_COLUMNS,
    READER_COLUMNS,
    SUBGROUP_COLUMNS,
    classification_report,
)
from monai_jdl.reports.classification_figures import (
    decision_figure,
    histogram_figure,
    precision_recall_figure,
    reliability_figure,
    roc_figure,
    threshold_figure,
)
from monai_jdl.reports.demo import read_summary, summary_table, write_demo_page
from monai_jdl.reports.ecg_digitize import digitize_pages
from monai_jdl.reports.ecg_evaluation import EvaluationTable
from monai_jdl.reports.ecg_heat import HeatMaps, draw_heat, heat_on_picture
from monai_jdl.reports.ecg_overlay import contact_sheet, draw_reading
from monai_jdl.reports.ecg_tables import PREDICTION_COLUMNS, CalibrationTable, PredictionTable
from monai_jdl.reports.figures import agreement_figure, case_figure, curves_figure, png
from monai_jdl.reports.page import Section, write_page
from monai_jdl.reports.tables import read_csv, text_table, write_csv, write_json, write_text

__all__ = [
    "CLASSIFICATION_COLUMNS",
    "PREDICTION_COLUMNS",
    "READER_COLUMNS",
    "SUBGROUP_COLUMNS",
    "Calibration",
    "CalibrationTable",
    "EvaluationTable",
    "HeatMaps",
    "MetricsTable",
    "PredictionTable",
    "ScarTable",
    "Section",
    "agreement_figure",
    "case_figure",
    "case_report",
    "classification_report",
    "contact_sheet",
    "curves_figure",
    "decision_figure",
    "digitize_pages",
    "draw_heat",
    "draw_reading",
    "heat_on_picture",
    "histogram_figure",
    "load_calibration",
    "png",
    "precision_recall_figure",
    "read_csv",
    "read_summary",
    "reliability_figure",
    "roc_figure",
    "summary_table",
    "text_table",
    "threshold_figure",
    "write_calibration",
    "write_csv",
    "write_demo_page",
    "write_json",
    "write_page",
    "write_text",
]
