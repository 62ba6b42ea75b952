"""An installation that is not a checkout: both packages and the bundles are there."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
def test_a_wheel_brings_the_packages_and_the_bundles(tmp_path):
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    source = tmp_path / "source"  # building in the checkout would leave its files there
    left_out = shutil.ignore_patterns(".git", ".venv", "demo", "build", "*.egg-info", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, source, ignore=left_out)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--target", str(tmp_path / "site")]
    subprocess.run([*pip, "install", *options, str(source)], check=True)
    program = (
        "import monai_jdl, cardiac_transforms.mri; from monai_jdl import bundles; root = bundles.find('lge_scar_jdl');"
        "print(monai_jdl.__file__); print(root); print(len(list((root / 'configs').glob('*.yaml'))));"
        "print((root / 'models/model.pt').stat().st_size, (root / 'LICENSE').is_file())"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site"), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert found[0].startswith(str(tmp_path / "site")) and found[1].startswith(str(tmp_path / "site"))
    assert int(found[2]) == 6 and int(found[3]) > 1e5 and found[4] == "True"
    installed = {path.name for path in (tmp_path / "site").iterdir() if path.is_dir() and "." not in path.name}
    assert installed <= {"monai_jdl", "cardiac_transforms", "bin"}
