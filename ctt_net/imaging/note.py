"""What the reader changed or doubts: a code for programs, a sentence for people."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """One remark of the reader on a scan.

    Args:
        code: what it is, such as `upside_down`; programs compare this and never the sentence.
        text: the same in plain words, for reports.
    """

    code: str
    text: str

    def __str__(self) -> str:
        """The sentence."""
        return self.text


# A scan with one of these is no macular B-scan as the network knows it.
UNUSABLE_NOTES = frozenset({"not_a_bscan", "inverted", "report_page", "upside_down"})
