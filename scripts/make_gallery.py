"""Pictures of transforms/README.md and transforms/ecg-pages.md: what each of their Python examples does.

    python scripts/make_gallery.py [NAME ...]

The documents are the only source: under a heading ``### Name`` stand the text, the picture and a Python block, which this
script runs.
"""

from __future__ import annotations

import argparse

import torch
from gallery_ecg import GALLERY as ECG
from gallery_examples import run
from gallery_mri import GALLERY as MRI
from tqdm import tqdm

GALLERIES = (MRI, ECG)


def main() -> None:
    """Draw the pictures of the documents, or of some of their headings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="headings to draw; all by default")
    wanted = parser.parse_args().names
    torch.set_num_threads(1)
    for gallery in GALLERIES:
        chosen = {name: code for name, (code, _) in gallery.examples().items() if not wanted or name in wanted}
        names = gallery.subject() if chosen else {}
        for name, code in tqdm(chosen.items(), gallery.document.name):
            gallery.picture(name).parent.mkdir(parents=True, exist_ok=True)
            gallery.draw(name, run(code, names), gallery.picture(name))


if __name__ == "__main__":
    main()
