"""A text that is rendered once and read by many: it is kept compressed, so that slow readers hold little memory."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_COMPRESSION_LEVEL = 4
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_PART_SIZE = 32 * 1024
"""The most bytes of the text that are unpacked at once."""


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class RenderedText:
    """One text. `compressed` is a gzip stream of `compressed_size` bytes in pieces; the text has `length` bytes."""

    media_type: str
    compressed: tuple[bytes, ...] = field(repr=False)
    length: int
    compressed_size: int
    digest: str

    @classmethod
    def from_texts(cls, media_type: str, texts: Iterable[str]) -> RenderedText:
        """Return the rendering of a text in pieces. No more of it than a piece is in memory at once."""
        compressor, digest, length, compressed = (
            zlib.compressobj(_COMPRESSION_LEVEL, wbits=_GZIP_WINDOW),
            hashlib.sha256(),
            0,
            [],
        )
        for text in texts:
            part = text.encode("utf-8", "replace")
            length += len(part)
            digest.update(part)
            compressed.append(compressor.compress(part))
        compressed = [*filter(None, compressed), compressor.flush()]
        return cls(media_type, tuple(compressed), length, sum(map(len, compressed)), digest.hexdigest()[:32])

    def decompress(self) -> Iterator[bytes]:
        """Yield the text in small parts."""
        decompressor = zlib.decompressobj(wbits=_GZIP_WINDOW)
        for piece in self.compressed:
            rest = piece
            while rest:
                yield decompressor.decompress(rest, _PART_SIZE)
                rest = decompressor.unconsumed_tail
        yield decompressor.flush()
