"""What a person looks at: tables, figures and pages. Files in, files out."""

from monai_jdl.reports.case import case_report
from monai_jdl.reports.case_tables import MetricsTable, ScarTable
from monai_jdl.reports.demo import read_summary, summary_table, write_demo_page
from monai_jdl.reports.ecg_digitize import digitize_pages
from monai_jdl.reports.ecg_overlay import contact_sheet, draw_reading
from monai_jdl.reports.figures import agreement_figure, case_figure, curves_figure, png
from monai_jdl.reports.page import Section, write_page
from monai_jdl.reports.tables import read_csv, text_table, write_csv, write_json, write_text

__all__ = [
    "MetricsTable",
    "ScarTable",
    "Section",
    "agreement_figure",
    "case_figure",
    "case_report",
    "contact_sheet",
    "curves_figure",
    "digitize_pages",
    "draw_reading",
    "png",
    "read_csv",
    "read_summary",
    "summary_table",
    "text_table",
    "write_csv",
    "write_demo_page",
    "write_json",
    "write_page",
    "write_text",
]
