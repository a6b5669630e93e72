"""Takes secrets out of foreign text, also where they are escaped, encoded or cut there."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from reconciler.core.secrets import RUN, lower

LONGEST = 4000
"""Characters: so much of a line is kept. What is said later is for nobody, and would have to be searched."""

_HIDDEN = "***"
_GRAM = 5
_STRIDE = RUN - _GRAM + 1  # every part of RUN characters holds a gram that begins at a multiple of this
_ESCAPED = re.compile(
    r"(?:%[0-9A-Fa-f]{2})+|(?:\\x[0-9A-Fa-f]{2})+|(?:\\u[0-9A-Fa-f]{4})+|\\[\\'\"/nrt]"
    r"|&(?:amp|lt|gt|quot|apos|#[0-9]{1,6}|#x[0-9A-Fa-f]{1,5});"
)
_PLAIN = {"n": "\n", "r": "\r", "t": "\t"}
_DECODED_TWICE = 2

# What is secret by where it stands, whether anybody knows it or not. Each pattern takes linear time: what it goes over
# in vain it goes over once, from the start of a word (login in a URL), of a part between @ and / (login alone), or from
# a :// to the next one (query).
SHAPES = (
    (re.compile(r"(?<!\S)((?:(?!://)\S)*+://)\S*@"), rf"\1{_HIDDEN}@"),
    (
        re.compile(
            r"(?<![^\s/@])((?:(?<![/@])|[^\s/@'\"]*+['\"])(?::[^\s/@'\"]*+['\"]|[^\s/@'\":]*+['\"])*+)"
            r"[^\s/@'\":]++:[^\s/@]++@"
        ),
        rf"\1{_HIDDEN}@",
    ),
    (re.compile(r"(://(?:(?!://)[^\s?])*+)\?(?:[^\s']*[^\s'\"])?"), rf"\1?{_HIDDEN}"),
    (re.compile(r"(?i)(invalid header value ).*"), rf"\1{_HIDDEN}"),
    (
        re.compile(
            r"(?i)((?<![\w-])(?:(?:proxy-)?authorization|x-amz-security-token|x-amz-sso_bearer_token|private-token)"
            r"['\"]?\s*[:=]\s*b?['\"]?)(?:(?:basic|bearer|negotiate|aws4\S*)\s+)?[^\s,;&'\"]+"
        ),
        rf"\1{_HIDDEN}",
    ),
    (re.compile(r"(?i)((?<![\w-])(?:x-amz-)?signature=)[^\s,;&'\"]+"), rf"\1{_HIDDEN}"),
)


def redact(text: str, whole: Iterable[str], long: Iterable[str]) -> str:
    """Return a foreign text without secrets, line by line, and each line cut where it is too long for anyone.

    `whole` and `long` are those of `Secrets`, in which text is escaped as nobody knows: by a URL, JSON, repr or HTML.
    """
    whole, long = tuple(whole), tuple(long)
    return "\n".join(_line(line, whole, long) for line in text.split("\n"))


def _line(text: str, whole: Iterable[str], long: Iterable[str]) -> str:
    text = text[: 2 * LONGEST]  # a secret that ends behind it is cut away below
    spans = sorted({span for form, places in _readings(text) for span in _found(form, places, whole, long)})
    out, at = [], 0
    for start, end in spans:
        if start >= at:
            out += [text[at:start], _HIDDEN]
        at = max(at, end)
    text = "".join([*out, text[at:]])
    for shape, instead in SHAPES:
        text = shape.sub(instead, text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _readings(text: str) -> Iterator[tuple[str, list[tuple[int, int]] | None]]:
    """Yield a text as it stands, and what its escapes mean, with the place of each character where it moved."""
    yield lower(text), None
    places = [(at, at + 1) for at in range(len(text))]
    for _ in range(_DECODED_TWICE):
        decoded, moved, at = [], [], 0
        for escape in _ESCAPED.finditer(text):
            decoded.append(text[at : escape.start()])
            moved += places[at : escape.start()]
            meant = _meant(escape[0])
            decoded.append(meant)
            moved += [(places[escape.start()][0], places[escape.end() - 1][1])] * len(meant)
            at = escape.end()
        if not decoded:
            return
        text, places = "".join([*decoded, text[at:]]), [*moved, *places[at:]]
        yield lower(text), places


def _meant(escape: str) -> str:
    """Return what an escape stands for; what stands for no text is of no secret."""
    if escape.startswith("&"):
        return html.unescape(escape)
    if escape.startswith("\\u"):
        units = b"".join(int(unit, 16).to_bytes(2) for unit in escape.split("\\u")[1:])
        return units.decode("utf-16-be", errors="replace")
    if escape.startswith(("%", "\\x")):
        octets = bytes.fromhex(escape.replace("\\x", "").replace("%", ""))
        try:
            return octets.decode()
        except UnicodeDecodeError:  # a header is Latin-1
            return octets.decode("latin-1")
    return _PLAIN.get(escape[1], escape[1])


def _found(
    text: str, places: list[tuple[int, int]] | None, whole: Iterable[str], long: Iterable[str]
) -> Iterator[tuple[int, int]]:
    """Yield where secrets stand, as places in the text that was given."""
    for start, end in _matches(text, whole, long):
        yield (places[start][0], places[end - 1][1]) if places else (start, end)


def _matches(text: str, whole: Iterable[str], long: Iterable[str]) -> Iterator[tuple[int, int]]:
    for secret in whole:
        at = text.find(secret)
        while at >= 0:
            end = at + len(secret)
            if not (text[at - 1 : at].isalnum() and secret[0].isalnum()) and not (
                text[end : end + 1].isalnum() and secret[-1].isalnum()
            ):
                yield at, end
            at = text.find(secret, at + 1)
    grams = {text[at : at + _GRAM] for at in range(len(text) - _GRAM + 1)}
    for secret in long:
        if not grams.isdisjoint(secret[at : at + _GRAM] for at in range(0, len(secret) - _GRAM + 1, _STRIDE)):
            yield from _parts(text, secret)


def _parts(text: str, secret: str) -> Iterator[tuple[int, int]]:
    """Yield where parts of a secret of at least RUN characters stand, each as long as it is."""
    at = 0
    while at + RUN <= len(text):
        end = at + RUN
        if text[at:end] not in secret:
            at += 1
            continue
        while end < len(text) and text[at : end + 1] in secret:
            end += 1
        yield at, end
        at = end
