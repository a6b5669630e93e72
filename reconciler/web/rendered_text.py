"""Keep a rendered text compressed, because many slow readers may share it for a long time."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_COMPRESSION_LEVEL = 4
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_PART_SIZE = 32 * 1024
"""The maximum number of bytes that are decompressed at once."""


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class RenderedText:
    """A rendered text of `length` bytes. `compressed` is a gzip stream of `compressed_size` bytes, in pieces."""

    media_type: str
    compressed: tuple[bytes, ...] = field(repr=False)
    length: int
    compressed_size: int
    digest: str

    @classmethod
    def from_texts(cls, media_type: str, texts: Iterable[str]) -> RenderedText:
        """Return the compressed text. Only one piece of `texts` is in memory at a time."""
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
        """Yield the text as bytes in parts of at most _PART_SIZE."""
        decompressor = zlib.decompressobj(wbits=_GZIP_WINDOW)
        for piece in self.compressed:
            rest = piece
            while rest:
                yield decompressor.decompress(rest, _PART_SIZE)
                rest = decompressor.unconsumed_tail
        yield decompressor.flush()
