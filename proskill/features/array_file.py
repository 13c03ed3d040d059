"""One array per file on disk: whole or absent, with a check sum, readable as a memory map.

The file is a `.npy` file followed by four bytes, the CRC-32 of all before them; numpy reads it as
any other `.npy` file.
"""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np

from proskill.whole_file import write_whole

_CRC_BYTES = 4


def write_array(path: Path, array: np.ndarray) -> None:
    """Write `array` so that `path` is never half-written, whatever kills the process.

    Raises:
        ProskillError: the disk is full or the folder cannot be written; nothing is left behind.
    """
    array = np.ascontiguousarray(array)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
    values = array.reshape(-1).view(np.uint8).data
    check = zlib.crc32(values, zlib.crc32(header.getvalue()))
    write_whole(
        path,
        [header.getvalue(), values, check.to_bytes(_CRC_BYTES, "little")],
        advice="free some space or choose another cache folder",
    )


def read_array(path: Path) -> np.ndarray | None:
    """The array as a read-only memory map, or None if the file is missing, cut short or altered."""
    try:
        content = np.memmap(path, dtype=np.uint8, mode="r")
    except (OSError, ValueError):  # missing, or empty
        return None
    stored = content[-_CRC_BYTES:].tobytes()
    # Checked before numpy parses it: a damaged header can raise almost anything.
    if zlib.crc32(content[:-_CRC_BYTES].data).to_bytes(_CRC_BYTES, "little") != stored:
        return None
    array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    return array
