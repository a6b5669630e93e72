"""A text that is rendered once and read by many: it is kept compressed, so that slow readers hold little memory."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_LEVEL = 4
_GZIP = 16 + zlib.MAX_WBITS
_PART = 32 * 1024
"""The most bytes of the text that are unpacked at once."""


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Rendering:
    """One text. `packed` is a gzip stream in pieces of `size` bytes together; the text itself has `length` bytes."""

    media_type: str
    packed: tuple[bytes, ...] = field(repr=False)
    length: int
    size: int
    digest: str

    @classmethod
    def of(cls, media_type: str, texts: Iterable[str]) -> Rendering:
        """Return the rendering of a text in pieces. No more of it than a piece is in memory at once."""
        packer, digest, length, packed = zlib.compressobj(_LEVEL, wbits=_GZIP), hashlib.sha256(), 0, []
        for text in texts:
            part = text.encode("utf-8", "replace")
            length += len(part)
            digest.update(part)
            packed.append(packer.compress(part))
        packed = [*filter(None, packed), packer.flush()]
        return cls(media_type, tuple(packed), length, sum(map(len, packed)), digest.hexdigest()[:32])

    def unpacked(self) -> Iterator[bytes]:
        """Yield the text in small parts."""
        unpacker = zlib.decompressobj(wbits=_GZIP)
        for piece in self.packed:
            rest = piece
            while rest:
                yield unpacker.decompress(rest, _PART)
                rest = unpacker.unconsumed_tail
        yield unpacker.flush()
