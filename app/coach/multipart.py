"""The files of a multipart form, written to the disk while they arrive."""

from __future__ import annotations

from io import BufferedWriter
from pathlib import Path

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from proskill.errors import ProskillError

_MAX_NAME_LETTERS = 60  # of at most four bytes each, file systems allow 255
_MAX_HEADER_BYTES = 4096
_MAX_FILES = 8  # in one form; each takes a folder, however small it is
_NOT_A_FORM = "an upload must be a multipart form with files in it"


class FormFiles:
    """Writes each file of a form into a folder of its own, under the name that its sender gave it.

    Args:
        folder: exists and is empty.
        content_type: of the request, with the form's boundary.

    Raises:
        ProskillError: the request is no multipart form.
    """

    def __init__(self, folder: Path, *, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or b"boundary" not in options:
            raise ProskillError(_NOT_A_FORM)
        self.paths: list[Path] = []
        self._folder = folder
        self._file: BufferedWriter | None = None
        self._field, self._value = bytearray(), bytearray()
        self._is_ended = False
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._field.clear,
                    "on_header_field": lambda data, a, b: _collect(self._field, data[a:b]),
                    "on_header_value": lambda data, a, b: _collect(self._value, data[a:b]),
                    "on_header_end": self._end_header,
                    "on_part_data": lambda data, a, b: self._write(data[a:b]),
                    "on_part_end": self.close,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise ProskillError(_NOT_A_FORM) from error

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body.

        Raises:
            ProskillError: they are no multipart form, or hold too many files.
            OSError: the disk is full.
        """
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise ProskillError(_NOT_A_FORM) from error

    def finish(self) -> list[Path]:
        """The files, all complete.

        Raises:
            ProskillError: the form broke off before its end.
        """
        if not self._is_ended:
            raise ProskillError("the upload broke off: its multipart form has no end")
        return self.paths

    def close(self) -> None:
        """Close the file that is being written."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _end_header(self) -> None:
        if bytes(self._field).lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            if b"filename" in options:
                self._open(options[b"filename"].decode("utf-8", errors="replace"))
        self._field.clear()
        self._value.clear()

    def _open(self, name: str) -> None:
        self.close()
        if len(self.paths) == _MAX_FILES:
            raise ProskillError(f"at most {_MAX_FILES} files may be sent in one form")
        path = self._folder / str(len(self.paths)) / plain_name(name)
        path.parent.mkdir(mode=0o700)
        self._file = path.open("wb")
        self.paths.append(path)

    def _write(self, data: bytes) -> None:
        if self._file is not None:  # a field that is no file is of no use
            self._file.write(data)

    def _end(self) -> None:
        self._is_ended = True


def _collect(header: bytearray, data: bytes) -> None:
    header.extend(data)
    if len(header) > _MAX_HEADER_BYTES:
        raise ProskillError(_NOT_A_FORM)


def plain_name(name: str) -> str:
    """A sender's file name without folders, control characters and excess length."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(letter for letter in last if letter.isprintable()).strip()
    suffix = Path(kept).suffix[:12]
    stem = kept.removesuffix(suffix)[:_MAX_NAME_LETTERS].lstrip(".") or "video"
    return f"{stem}{suffix}"
