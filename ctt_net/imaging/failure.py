"""The one error of this room: a scan file that cannot be used, and why."""

from pathlib import Path

from ctt_net.errors import InputError


class ImagingError(InputError):
    """A scan that cannot be read: the message names the file, what was found and the cure."""

    @classmethod
    def of(cls, path: str | Path, found: str, cure: str) -> "ImagingError":
        """Build the message in the one form that every refusal has.

        Only the file's name is shown, not its folder: folders of hospitals name patients.

        Example:
            >>> str(ImagingError.of("a/b/OD.png", "an empty file", "export the scan again"))
            'OD.png: found an empty file; export the scan again.'
        """
        name = str(path).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
        printable = "".join(c if c.isprintable() else "?" for c in name)[:120] or "(no name)"
        return cls(f"{printable}: found {found}; {cure}.")
