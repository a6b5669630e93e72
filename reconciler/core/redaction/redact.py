"""Takes secrets out of foreign text, also where they are escaped, encoded or cut there."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.core.redaction.secrets import RUN, lower

LONGEST = 4000
"""Characters: so much of a line is kept. What is said later is for nobody, and would have to be searched."""

_HIDDEN = "***"
_JOINTS = frozenset("-_.")
_GRAM = 5
_STRIDE = RUN - _GRAM + 1  # every part of RUN characters holds a gram that begins at a multiple of this
_ESCAPED = re.compile(
    r"(?:%[0-9A-Fa-f]{2})+|(?:\\x[0-9A-Fa-f]{2})+|(?:\\u[0-9A-Fa-f]{4})+|\\[\\'\"/bfnrt]"
    r"|&(?:amp|lt|gt|quot|apos|#[0-9]{1,6}|#x[0-9A-Fa-f]{1,5});"
)
_SIGNS = "%\\&"  # with one of which each escape begins
_PLAIN = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_DECODED_TWICE = 2

# What is secret by where it stands, whether anybody knows it or not. Each pattern takes linear time: what it goes over
# in vain it goes over once. A login alone is looked for from the start of each part between @ and /.
_LOGIN = re.compile(
    r"(?<![^\s/@])((?:(?<![/@])|[^\s/@'\"]*+['\"])(?::[^\s/@'\"]*+['\"]|[^\s/@'\":]*+['\"])*+)"
    r"[^\s/@'\":]++:[^\s/@]++(?=@)"
)
_URL = re.compile(r"(?<=://)\S+")
_QUERY = re.compile(r"\?(?:[^']*[^'\"])?")
_VALUE = r"\\?['\"]?\s*[:=>]\s*(?:b(?=['\"]))?\\?['\"]?)(?:(?:basic|bearer|negotiate|aws4\S*)\s+)?[^\s,;&'\"<>\\]+"


def _named(names: str) -> re.Pattern[str]:
    """Return what finds the values of names, in a header, a query, JSON or XML."""
    return re.compile(f"(?i)((?:{names}){_VALUE}")


# Each with a word that stands in all it finds, in small letters: most lines have none
_SHAPES = (
    ("@", _LOGIN),
    ("invalid header value ", re.compile(r"(?i)(invalid header value ).*")),
    ("authorization", _named("authorization")),
    ("token", _named("(?:session|security|access|refresh|private|(?<![a-z])id)[_-]?token|x-amz-sso_bearer_token")),
    ("secret", _named("secret_?access_?key|client_?secret")),
    ("signature=", _named("signature(?==)")),
)


@dataclass(frozen=True, slots=True)
class Index:
    """Secrets as they are looked for: those that count whole, and the long ones by the grams that each part holds."""

    whole: tuple[str, ...]
    grams: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, whole: Iterable[str], long: Iterable[str]) -> Index:
        """Return an index of `whole` and `long` secrets, as in `Secrets`."""
        grams: dict[str, tuple[str, ...]] = {}
        for secret in long:
            for at in range(0, len(secret) - _GRAM + 1, _STRIDE):
                gram = secret[at : at + _GRAM]
                grams[gram] = (*grams.get(gram, ()), secret)
        return cls(tuple(whole), grams)


def redact(text: str, known: Index) -> str:
    """Return a foreign text without secrets, line by line, and each line cut where it is too long for anyone.

    Escapes are undone to look for them, whoever made those: a URL, JSON, repr or HTML.
    """
    return "\n".join(_line(line, known) for line in text.split("\n"))


def hide(text: str, known: Index) -> str:
    """Return a text of our own, which may quote what was given, without secrets that are known."""
    return "\n".join(_without(line, known) for line in text.split("\n"))


def _line(text: str, known: Index) -> str:
    text = _without(text[: 2 * LONGEST], known)  # a secret that ends behind it is cut away below
    text, small = _URL.sub(_bare, text), lower(text)
    for word, shape in _SHAPES:
        if word in small:
            text = shape.sub(rf"\1{_HIDDEN}", text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _without(text: str, known: Index) -> str:
    spans = sorted({span for form, places in _readings(text) for span in _found(form, places, known)})
    out, at = [], 0
    for start, end in spans:
        if start >= at:
            out += [text[at:start], _HIDDEN]
        at = max(at, end)
    return "".join([*out, text[at:]])


def _bare(url: re.Match[str]) -> str:
    """Return a URL behind its scheme without its login, which may hold any character, and without its query."""
    _, has_login, rest = url[0].rpartition("@")
    return (f"{_HIDDEN}@" if has_login else "") + _QUERY.sub(f"?{_HIDDEN}", rest)


def _readings(text: str) -> Iterator[tuple[str, list[tuple[int, int]] | None]]:
    """Yield a text as it stands, and what its escapes mean, with the place of each character where it moved."""
    yield lower(text), None
    if not any(sign in text for sign in _SIGNS):
        return
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


def _found(text: str, places: list[tuple[int, int]] | None, known: Index) -> Iterator[tuple[int, int]]:
    """Yield where secrets stand, as places in the text that was given."""
    for start, end in _matches(text, known):
        yield (places[start][0], places[end - 1][1]) if places else (start, end)


def _matches(text: str, known: Index) -> Iterator[tuple[int, int]]:
    for secret in known.whole:
        at = text.find(secret)
        while at >= 0:
            end = at + len(secret)
            if not (secret[0].isalnum() and _goes_on(text[max(0, at - 2) : at][::-1])) and not (
                secret[-1].isalnum() and _goes_on(text[end : end + 2])
            ):
                yield at, end
            at = text.find(secret, at + 1)
    grams = {text[at : at + _GRAM] for at in range(len(text) - _GRAM + 1)}
    for secret in {each for gram in grams & known.grams.keys() for each in known.grams[gram]}:
        yield from _parts(text, secret)


def _goes_on(beside: str) -> bool:
    """Tell whether a name goes on with the next two characters: east is a word in "north or east", not in us-east-1."""
    return beside[:1].isalnum() or (beside[:1] in _JOINTS and beside[1:].isalnum())


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
