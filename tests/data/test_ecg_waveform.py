"""ECG records from DICOM waveforms: amplitudes, rates and leads are those of the file."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, TwelveLeadECGWaveformStorage, generate_uid

from cardiac_transforms.ecg import LEADS
from monai_jdl.data import (
    read_record,
)
from tests.data.ecg_files import (
    assert_record_refused,
    signals,
)


def code(value: str, scheme: str, meaning: str) -> list[Dataset]:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return [item]


def group(
    values: np.ndarray, codes: list[tuple[str, str, str]], rate: float = 500, unit: str = "uV", **tags
) -> Dataset:
    """A multiplex group of ``values`` [C, T] in mV: 16 bit, 2.5 ``unit`` per step with correction 1.002, offset 10 ``unit``."""
    scale = {"uV": 1000, "mV": 1, "V": 1e-3}[unit]
    step = 2.5 * scale / 1000
    item = Dataset()
    item.WaveformOriginality, item.NumberOfWaveformChannels = "ORIGINAL", len(values)
    item.NumberOfWaveformSamples, item.SamplingFrequency = values.shape[1], str(rate)
    item.ChannelDefinitionSequence = []
    for triple in codes:
        channel = Dataset()
        channel.ChannelSourceSequence = code(*triple)
        channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor = f"{step:g}", "1.002"
        channel.ChannelSensitivityUnitsSequence = code(unit, "UCUM", unit)
        channel.ChannelBaseline, channel.WaveformBitsStored = f"{10 * scale / 1000:g}", 16
        item.ChannelDefinitionSequence.append(channel)
    stored = np.rint((values * scale - 10 * scale / 1000) / (step * 1.002))
    stored = np.where(np.isnan(stored), -32768, stored).astype("<i2")
    item.WaveformBitsAllocated, item.WaveformSampleInterpretation = 16, "SS"
    item.WaveformPaddingValue = struct.pack("<h", -32768)
    item.WaveformData = stored.T.tobytes()
    for keyword, value in tags.items():
        setattr(item, keyword, value)
    return item


def waveform(path: Path, *groups: Dataset, **tags) -> Path:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = TwelveLeadECGWaveformStorage, generate_uid(entropy_srcs=[path.name])
    dataset.Modality, dataset.PatientAge, dataset.PatientSex = "ECG", "061Y", "M"
    dataset.WaveformSequence = list(groups)
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.save_as(path, enforce_file_format=True)
    return path


NUMBERS = (1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8)  # PS3.16 CID 3001, in the order of LEADS
SCPECG = [(f"5.6.3-9-{number}", "SCPECG", "?") for number in NUMBERS]
MDC = [(f"2:{number}", "MDC", "?") for number in NUMBERS]
WORDS = [("x", "99LOCAL", f"Lead {lead}") for lead in LEADS]


@pytest.mark.parametrize("codes", [SCPECG, MDC, WORDS])
@pytest.mark.parametrize("unit", ["uV", "mV", "V"])
def test_dicom_waveform(tmp_path, codes, unit):
    truth = signals(10, 500)
    truth[9, 40:60] = np.nan
    order = np.random.default_rng(1).permutation(12)
    path = waveform(tmp_path / "ecg", group(truth[order], [codes[index] for index in order], unit=unit))
    record = read_record(path)
    np.testing.assert_allclose(record.signals, truth, atol=1.3e-3)
    assert (record.rate, record.leads, record.age, record.sex, record.notes) == (500, LEADS, 61, "male", ())
    np.testing.assert_allclose(read_record(path, start=4, duration=2).signals, truth[:, 2000:3000], atol=1.3e-3)


@pytest.mark.parametrize("tags", [{"MultiplexGroupLabel": "MEDIAN BEAT"}, {"WaveformOriginality": "DERIVED"}, {}])
@pytest.mark.parametrize("median_first", [True, False])
def test_rhythm_is_taken_not_the_median_beat(tmp_path, tags, median_first):
    groups = [group(signals(1.2, 500, 5), MDC, **tags), group(signals(10, 500), MDC)]
    path = waveform(tmp_path / "a.dcm", *groups[:: 1 if median_first else -1])
    np.testing.assert_allclose(read_record(path).signals, signals(10, 500), atol=1.3e-3)
    assert read_record(path).notes == ()


def test_median_beat_does_not_fill_the_rhythm(tmp_path):
    median = group(signals(1.2, 500, 5), MDC, MultiplexGroupLabel="MEDIAN BEAT")
    record = read_record(waveform(tmp_path / "a.dcm", median, group(signals(10, 500)[6:8], MDC[6:8])))
    assert record.leads == ("V1", "V2") and record.signals.shape == (12, 5000)


def test_dicom_leads_recorded_one_group_after_the_other(tmp_path):
    truth = signals(10, 500)
    groups = [
        group(
            truth[3 * k : 3 * k + 3, 1250 * k : 1250 * k + 1250],
            MDC[3 * k : 3 * k + 3],
            MultiplexGroupTimeOffset=str(2500 * k),
        )
        for k in range(4)
    ]
    record = read_record(waveform(tmp_path / "a.dcm", *groups))
    assert record.signals.shape == (12, 5000) and "joined from 4 groups" in record.notes[0]
    for k in range(4):
        np.testing.assert_allclose(
            record.signals[3 * k : 3 * k + 3, 1250 * k : 1250 * k + 1250],
            truth[3 * k : 3 * k + 3, 1250 * k : 1250 * k + 1250],
            atol=1.3e-3,
        )
        assert (
            np.isnan(record.signals[3 * k, : 1250 * k]).all()
            and np.isnan(record.signals[3 * k, 1250 * k + 1250 :]).all()
        )


def test_dicom_of_a_machine():
    """pydicom's own test file: a rhythm of 10 s at 1000 Hz and a median beat, 1.25 uV a step."""
    path = get_testdata_file("waveform_ecg.dcm")
    record = read_record(path)
    raw = pydicom.dcmread(path).waveform_array(0)
    assert record.signals.shape == (12, 10000) and record.rate == 1000 and record.age == 42 and record.sex == "female"
    np.testing.assert_allclose(record.signals, raw.T / 1000, atol=1e-6)
    one, two, three = record.signals[:3]
    assert np.abs(one + three - two).max() < 0.006  # Einthoven, within the rounding of its steps
    assert np.corrcoef(record.signals[3], -(one + two))[0, 1] > 0.999  # aVR is where it should be


def test_bad_dicom_waveforms(tmp_path):
    whole = group(signals(10, 500), MDC)
    whole.WaveformData = whole.WaveformData[:100]
    assert_record_refused(waveform(tmp_path / "a.dcm", whole), "damaged DICOM waveform", "export it again")
    plain = group(signals(10, 500), MDC)
    for channel in plain.ChannelDefinitionSequence:
        del channel.ChannelSensitivity, channel.ChannelSensitivityUnitsSequence
    assert_record_refused(waveform(tmp_path / "b.dcm", plain), "in no unit", "units (mV, uV or V)")
    assert_record_refused(waveform(tmp_path / "c.dcm"), "holds no ECG waveform")
    assert_record_refused(waveform(tmp_path / "d.dcm", Rows=5), "is an image", "monai-jdl digitize")
    unknown = group(signals(10, 500)[:1], [("2:99", "MDC", "Lead X")])
    assert_record_refused(waveform(tmp_path / "e.dcm", unknown), "no samples of a known lead", "Lead X")
    companded = group(signals(10, 500), MDC, WaveformSampleInterpretation="MB")
    assert_record_refused(waveform(tmp_path / "f.dcm", companded), "companded")
    (tmp_path / "g.dcm").write_bytes(b"DICM" * 50)
    assert_record_refused(tmp_path / "g.dcm", "g.dcm")
