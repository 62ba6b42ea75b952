"""What the two galleries share: a document whose examples are run, and a picture for each of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCUMENTS = Path(__file__).parents[1] / "transforms"


@dataclass(frozen=True)
class Gallery:
    """A document that is the only source of its pictures.

    Attributes:
        document: under a heading ``### Name`` it has the text, the picture, a Python block and a YAML block.
        pictures: their path beside the document, with ``{}`` for the name.
        subject: makes the names that the Python blocks work on.
        draw: writes the picture of an example: its name, all names after its Python block was run, and the file.
    """

    document: Path
    pictures: str
    subject: Callable[[], dict[str, Any]]
    draw: Callable[[str, dict[str, Any], Path], None]

    def picture(self, name: str) -> Path:
        """File of the picture of an example."""
        return self.document.parent / self.pictures.format(name)

    def examples(self) -> dict[str, tuple[str, str]]:
        """Python and YAML block under each heading."""
        text = self.document.read_text(encoding="utf-8")
        found = {}
        for name, section in re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL):
            blocks = dict(re.findall(r"^```(\w+)\n(.*?)^```", section, re.MULTILINE | re.DOTALL))
            found[name] = (blocks["python"], blocks["yaml"])
        return found


def run(code: str, names: dict[str, Any]) -> dict[str, Any]:
    """``names``, and those that ``code`` gives a value."""
    names = dict(names)
    exec(code, names)
    return names
