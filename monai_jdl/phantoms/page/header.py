"""What a machine prints above the traces."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PageHeader:
    """Lines of text above the traces.

    Attributes:
        header: patient and recording: name, number, date and so on.
        measurement: the machine's measurements.
        diagnosis: the machine's interpretation.
    """

    header: tuple[str, ...] = ()
    measurement: tuple[str, ...] = ()
    diagnosis: tuple[str, ...] = ()

    @property
    def line_count(self) -> int:
        """Lines of the longest block."""
        return max(len(self.header), len(self.measurement), len(self.diagnosis))
