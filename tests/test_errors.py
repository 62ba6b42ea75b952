"""Errors for people."""

import subprocess
import sys

import pytest

from monai_jdl.errors import InputError, find_input_error

WRAPPED = """
from monai_jdl.errors import InputError, plain_errors
plain_errors()
try:
    raise {error}
except Exception as inner:
    raise RuntimeError("applying transform") from inner
"""


def test_the_sentence_is_found_behind_wrappers():
    with pytest.raises(RuntimeError) as error:
        try:
            raise InputError("a.nii: empty; give another.")
        except InputError as inner:
            raise RuntimeError("applying transform") from inner
    assert str(find_input_error(error.value)) == "a.nii: empty; give another."
    assert find_input_error(ValueError("other")) is None


def run(error: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", WRAPPED.format(error=error)], capture_output=True, text=True)


def test_uncaught_input_errors_end_with_the_sentence_alone():
    result = run("InputError('a.nii: empty; give another.')")
    assert result.returncode == 1 and result.stderr == "error: a.nii: empty; give another.\n"


def test_other_errors_keep_their_traceback():
    result = run("KeyError('x')")
    assert result.returncode == 1 and "Traceback" in result.stderr and "applying transform" in result.stderr
