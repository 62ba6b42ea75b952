"""Files in: stacks, label maps, DICOM studies, data lists; and the files that data sets are made of."""

from monai_jdl.data.cases import CaseDataset, find_cases
from monai_jdl.data.checks import CheckLabelGridd
from monai_jdl.data.datalist import check_shared_out, load_datalist, write_datalist
from monai_jdl.data.dicom_writer import write_lge_series
from monai_jdl.data.ecg_csv import write_ecg_csv
from monai_jdl.data.ecg_dataset import ECGCacheDataset
from monai_jdl.data.ecg_loading import LoadECG, LoadECGd, read_ecg_page
from monai_jdl.data.ecg_pages import ECGPageReader, PageImage, find_pages, load_page
from monai_jdl.data.ecg_phantom_files import write_ecg_phantoms, write_twin_phantoms
from monai_jdl.data.ecg_records import ECGRecord, read_record
from monai_jdl.data.ecg_render import find_records, render_records
from monai_jdl.data.ecg_table import find_ecgs, load_ecg_table, write_ecg_table
from monai_jdl.data.ecg_wfdb import write_wfdb
from monai_jdl.data.emidec import prepare_emidec
from monai_jdl.data.files import check_output_dir
from monai_jdl.data.folders import prepare_dicom, prepare_folder
from monai_jdl.data.page_cache import PageCache
from monai_jdl.data.page_files import write_page_image
from monai_jdl.data.phantom_files import write_phantoms
from monai_jdl.data.ptbxl import prepare_ptbxl
from monai_jdl.data.reader import LabelReader, LGEReader
from monai_jdl.data.records import prepare_records
from monai_jdl.data.savers import AtomicNibabelWriter, case_output_name
from monai_jdl.data.volumes import Volume, read_volume, save_nifti

__all__ = [
    "AtomicNibabelWriter",
    "CaseDataset",
    "CheckLabelGridd",
    "ECGCacheDataset",
    "ECGPageReader",
    "ECGRecord",
    "LGEReader",
    "LabelReader",
    "LoadECG",
    "LoadECGd",
    "PageCache",
    "PageImage",
    "Volume",
    "case_output_name",
    "check_output_dir",
    "check_shared_out",
    "find_cases",
    "find_ecgs",
    "find_pages",
    "find_records",
    "load_datalist",
    "load_ecg_table",
    "load_page",
    "prepare_dicom",
    "prepare_emidec",
    "prepare_folder",
    "prepare_ptbxl",
    "prepare_records",
    "read_ecg_page",
    "read_record",
    "read_volume",
    "render_records",
    "save_nifti",
    "write_datalist",
    "write_ecg_csv",
    "write_ecg_phantoms",
    "write_ecg_table",
    "write_lge_series",
    "write_page_image",
    "write_phantoms",
    "write_twin_phantoms",
    "write_wfdb",
]
