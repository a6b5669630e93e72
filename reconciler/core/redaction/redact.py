"""Redact secrets from foreign text, including escaped, encoded and cut secrets."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.core.redaction.secrets import MIN_PART_LENGTH, lower_ascii

MAX_LINE_LENGTH = 4000
"""Maximum length of a line, in characters. The rest is cut off, because searching it for secrets takes time."""

_REPLACEMENT = "***"
_NAME_SEPARATORS = frozenset("-_.")
_GRAM_LENGTH = 5
_STRIDE = (
    MIN_PART_LENGTH - _GRAM_LENGTH + 1
)  # each part of MIN_PART_LENGTH characters contains a gram that starts at a multiple of this
_FAMILIES = {
    "%": r"(?:%[0-9A-Fa-f]{2})+",
    "\\": r"(?:\\x[0-9A-Fa-f]{2})+|(?:\\u[0-9A-Fa-f]{4})+|\\[\\'\"/bfnrt]",
    "&": r"&(?:amp|lt|gt|quot|apos|#[0-9]{1,6}|#x[0-9A-Fa-f]{1,5});",
}
"""Escapes of URLs, of JSON and repr, and of HTML, by their first character."""
_ESCAPES = re.compile("|".join(_FAMILIES.values()))
_CONTROL_CHARACTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_DECODING_PASSES = 2

# Patterns for secrets by their position, which also find unknown secrets. Each takes linear time, because it never
# scans the same characters twice. _LOGIN matches only from the start of a part between @ and /.
_LOGIN = (
    r"(?<![^\s/@])((?:(?<![/@])|[^\s/@'\"]*+['\"])(?::[^\s/@'\"]*+['\"]|[^\s/@'\":]*+['\"])*+)"
    r"[^\s/@'\":]++:[^\s/@]++(?=@)"
)
_URL = re.compile(r"(?<=://)\S+")
_QUERY = re.compile(r"\?(?:[^']*[^'\"])?")
_VALUE_PATTERN = (
    r"\\?['\"]?\s*[:=>]\s*(?:b(?=['\"]))?\\?['\"]?)(?:(?:basic|bearer|negotiate|aws4\S*)\s+)?[^\s,;&'\"<>\\]+"
)


def _build_value_pattern(names: str) -> str:
    """Return a pattern for the values of these names in a header, a query, JSON or XML."""
    return f"(?i)((?:{names}){_VALUE_PATTERN}"


# Patterns, each with a lower-case word that every match contains: most lines contain none of these words, and most runs
# compile none of these patterns.
_PATTERNS = (
    ("@", _LOGIN),
    ("invalid header value ", r"(?i)(invalid header value ).*"),
    ("authorization", _build_value_pattern("authorization")),
    (
        "token",
        _build_value_pattern(
            "(?:session|security|access|refresh|private|(?<![a-z])id)[_-]?token|x-amz-sso_bearer_token"
            r'|(?<=")token(?=\\?")'  # of the services that give credentials to a container or a machine
        ),
    ),
    ("secret", _build_value_pattern("secret_?access_?key|client_?secret")),
    ("signature=", _build_value_pattern("signature(?==)")),
)


@dataclass(frozen=True, slots=True)
class SecretIndex:
    """Index of secrets: those to find as a whole, and the long ones by the grams (short substrings) in each part."""

    whole: tuple[str, ...]
    grams: Mapping[str, tuple[str, ...]]

    @classmethod
    def build(cls, whole: Iterable[str], long: Iterable[str]) -> SecretIndex:
        """Return an index of `whole` and `long` secrets (see `Secrets`)."""
        grams: dict[str, tuple[str, ...]] = {}
        for secret in long:
            for at in range(0, len(secret) - _GRAM_LENGTH + 1, _STRIDE):
                gram = secret[at : at + _GRAM_LENGTH]
                grams[gram] = (*grams.get(gram, ()), secret)
        return cls(tuple(whole), grams)


def redact(text: str, index: SecretIndex) -> str:
    """Return a foreign text without secrets, and with long lines cut.

    Decode the escapes of URLs, JSON, repr and HTML to find escaped secrets.
    """
    return "\n".join(_redact_line(line, index) for line in text.split("\n"))


def hide(text: str, index: SecretIndex) -> str:
    """Redact known secrets from a text of this program, which may quote its input."""
    return "\n".join(_hide_secrets(line, index) for line in text.split("\n"))


def _redact_line(text: str, index: SecretIndex) -> str:
    text = _hide_secrets(text[: 2 * MAX_LINE_LENGTH], index)  # the cut below removes a secret at this limit
    text, lower_text = _URL.sub(_hide_login_and_query, text), lower_ascii(text)
    for word, pattern in _PATTERNS:
        if word in lower_text:
            text = re.sub(pattern, rf"\1{_REPLACEMENT}", text)
    return text if len(text) <= MAX_LINE_LENGTH else f"{text[:MAX_LINE_LENGTH]}…"


def _hide_secrets(text: str, index: SecretIndex) -> str:
    spans = sorted({span for reading, places in _decode_readings(text) for span in _find_spans(reading, places, index)})
    out, at = [], 0
    for start, end in spans:
        if start >= at:
            out += [text[at:start], _REPLACEMENT]
        at = max(at, end)
    return "".join([*out, text[at:]])


def _hide_login_and_query(url: re.Match[str]) -> str:
    """Return the part of a URL after the scheme, without login and query. A login may contain any character."""
    _, has_login, rest = url[0].rpartition("@")
    return (f"{_REPLACEMENT}@" if has_login else "") + _QUERY.sub(f"?{_REPLACEMENT}", rest)


def _decode_readings(text: str) -> Iterator[tuple[str, list[tuple[int, int]] | None]]:
    """Yield the text itself, and the text with decoded escapes and the original place of each character.

    All escapes are decoded, and also those of one kind alone: a secret may look like an escape of another kind.
    """
    yield lower_ascii(text), None
    signs = [sign for sign in _FAMILIES if sign in text]
    if signs:
        yield from _decode(text, _ESCAPES, _DECODING_PASSES)
    if len(signs) > 1:
        for sign in signs:
            yield from _decode(text, re.compile(_FAMILIES[sign]), 1)


def _decode(text: str, escapes: re.Pattern[str], passes: int) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Yield the text after each pass that decodes escapes, and the original place of each character."""
    places = [(at, at + 1) for at in range(len(text))]
    for _ in range(passes):
        parts, new_places, at = [], [], 0
        for escape in escapes.finditer(text):
            parts.append(text[at : escape.start()])
            new_places += places[at : escape.start()]
            meaning = _decode_escape(escape[0])
            parts.append(meaning)
            new_places += [(places[escape.start()][0], places[escape.end() - 1][1])] * len(meaning)
            at = escape.end()
        if not parts:
            return
        text, places = "".join([*parts, text[at:]]), [*new_places, *places[at:]]
        yield lower_ascii(text), places


def _decode_escape(escape: str) -> str:
    """Return the text that an escape encodes. Invalid escapes yield replacement characters, which match no secret."""
    if escape.startswith("&"):
        return html.unescape(escape)
    if escape.startswith("\\u"):
        units = b"".join(int(unit, 16).to_bytes(2) for unit in escape.split("\\u")[1:])
        return units.decode("utf-16-be", errors="replace")
    if escape.startswith(("%", "\\x")):
        octets = bytes.fromhex(escape.replace("\\x", "").replace("%", ""))
        try:
            return octets.decode()
        except UnicodeDecodeError:  # headers are in Latin-1
            return octets.decode("latin-1")
    return _CONTROL_CHARACTERS.get(escape[1], escape[1])


def _find_spans(text: str, places: list[tuple[int, int]] | None, index: SecretIndex) -> Iterator[tuple[int, int]]:
    """Yield the positions of secrets in the original text."""
    for start, end in _find_matches(text, index):
        yield (places[start][0], places[end - 1][1]) if places else (start, end)


def _find_matches(text: str, index: SecretIndex) -> Iterator[tuple[int, int]]:
    for secret in index.whole:
        at = text.find(secret)
        while at >= 0:
            end = at + len(secret)
            if not (secret[0].isalnum() and _is_name_continued(text[max(0, at - 2) : at][::-1])) and not (
                secret[-1].isalnum() and _is_name_continued(text[end : end + 2])
            ):
                yield at, end
            at = text.find(secret, at + 1)
    grams = {text[at : at + _GRAM_LENGTH] for at in range(len(text) - _GRAM_LENGTH + 1)}
    for secret in {each for gram in grams & index.grams.keys() for each in index.grams[gram]}:
        yield from _find_parts(text, secret)


def _is_name_continued(neighbours: str) -> bool:
    """Tell whether the next two characters continue a name: "east" is a word of its own, but not in us-east-1."""
    return neighbours[:1].isalnum() or (neighbours[:1] in _NAME_SEPARATORS and neighbours[1:].isalnum())


def _find_parts(text: str, secret: str) -> Iterator[tuple[int, int]]:
    """Yield the positions of parts of a secret with at least MIN_PART_LENGTH characters, each as long as possible."""
    at = 0
    while at + MIN_PART_LENGTH <= len(text):
        end = at + MIN_PART_LENGTH
        if text[at:end] not in secret:
            at += 1
            continue
        while end < len(text) and text[at : end + 1] in secret:
            end += 1
        yield at, end
        at = end
