"""The table's file; `src/embedding/table.rs` says how it is laid out."""

import hashlib
import struct

import numpy as np

SLOTS = 1 << 16
EMPTY = 0xFFFF


def slot(text, continues):
    value = 0x811C9DC5 ^ continues
    for byte in text:
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return (value ^ (value >> 15)) & (SLOTS - 1)


def split(piece):
    """The text, and whether it continues a word."""
    continues = piece.startswith("##") and len(piece) > 2
    return (piece[2:] if continues else piece).encode(), int(continues)


def is_special(piece):
    return len(piece) > 2 and piece.startswith("[") and piece.endswith("]")


def pack(vocabulary, rows, model, version):
    keep = [number for number, piece in enumerate(vocabulary) if not is_special(piece)]
    pieces = [split(vocabulary[number]) for number in keep]
    rows = rows[keep]
    scales = np.abs(rows).max(1) / 127
    scales[scales == 0] = 1
    units = np.rint(rows / scales[:, None]).astype(np.int8)

    table = np.full(SLOTS, EMPTY, "<u2")
    begins, place = [], 0
    for number, (text, continues) in enumerate(pieces):
        at = slot(text, continues)
        while table[at] != EMPTY:
            at = (at + 1) % SLOTS
        table[at] = number
        begins.append(place | continues << 31)
        place += len(text)
    begins.append(place)
    texts = b"".join(text for text, _ in pieces)
    body = (
        table.tobytes()
        + np.array(begins, "<u4").tobytes()
        + texts
        + bytes(-len(texts) % 4)
        + scales.astype("<f4").tobytes()
        + units.tobytes()
    )
    longest = max(len(text.decode()) for text, _ in pieces)
    name = f"{model}/static-{rows.shape[1]}/{version}/{hashlib.sha256(body).hexdigest()[:12]}"
    header = struct.pack("<5I", rows.shape[1], len(pieces), SLOTS, longest, len(texts))
    return b"CMEMBED1" + header + name.encode().ljust(68) + body
