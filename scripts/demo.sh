#!/usr/bin/env bash
# The whole way on simulated patients: DICOM series in, myocardium and scar out; ECG pages in, probabilities out. Writes everything
# to demo/.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
bundle=bundles/lge_scar_jdl
run() { python -m monai.bundle run --config_file "$bundle/configs/$1.yaml" --bundle_root "$bundle" "${@:2}"; }

if [ ! -f demo/data/datalist.json ]; then
    echo "== Phantom patients, as DICOM series"
    monai-jdl phantom lge demo/data --patients 40 --seed 100 --format dicom
fi
echo "== A short training from scratch, to see the loss fall"
rm -rf demo/train
run train --dataset_dir demo/data --output_dir demo/train --epochs 10 --val_interval 5
echo "== The bundle's weights on the test patients: scores"
run evaluate --dataset_dir demo/data --output_dir demo/evaluate
echo "== The bundle's weights on the test patients: label maps and scar burden"
run inference --dataset_dir demo/data --output_dir demo/inference
echo "== Three simulated ECG pages, screened"
rm -rf demo/ecg demo/screening
monai-jdl phantom ecg demo/ecg --patients 3 --seed 500 --pages
monai-jdl classify demo/ecg/pages demo/screening
python - <<'PYTHON'
from monai_jdl.reports import read_summary, summary_table, text_table, write_demo_page

page = write_demo_page(
    "demo/index.html", "demo/evaluate", "demo/inference", "demo/data", "demo/train", "demo/screening"
)
print(text_table(summary_table(read_summary("demo/evaluate"))))
print(f"Pictures: {page.resolve()}")
PYTHON
