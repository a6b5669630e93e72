"""Read the manifest files of one commit, with limits on size and number, and without following links."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from reconciler import redaction
from reconciler.core.errors import GitError, Problem
from reconciler.core.manifests.files import (
    MAX_BYTES,
    MAX_DOCUMENTS,
    File,
    build_size_problem,
    find_excess,
    is_hidden,
    is_manifest,
)
from reconciler.core.text import sanitize
from reconciler.edge.git import messages
from reconciler.edge.git.command import MAX_OUTPUT_BYTES, CommandResult, GitCommand

_TREE, _LINK, _SUBMODULE = "040000", "120000", "160000"
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_MAX_SUBJECT, _MAX_AUTHOR = 120, 60
"""The maximum numbers of characters of the description of a commit."""
_LINK_ADVICE = "and links in git are not followed: commit the file itself instead"


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry in the listing of a commit. Folders and submodules have no size."""

    mode: str
    id: str
    size: int | None
    path: str


@dataclass(frozen=True, slots=True)
class CommitDescription:
    """The first line of the message of a commit, and the name of its author, both shortened. Empty if unknown."""

    subject: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of a repository. Messages show the repository as `repository_name`."""

    git: GitCommand
    repository_name: str
    id: str

    def read_files(self, path: str) -> tuple[File | Problem, ...]:
        """Return the manifests at or below a path ("" is the root), in the same order as from disk.

        A path that does not exist is a problem. Raises GitError.
        """
        entries_and_problems = list(self._select_entries(path))
        entries = [entry for entry in entries_and_problems if isinstance(entry, _Entry)]
        if problem := find_excess(len(entries_and_problems), sum(entry.size or 0 for entry in entries)):
            return (problem,)
        contents = self._read_contents(entries)
        return tuple(
            _build_file(entry, contents) if isinstance(entry, _Entry) else entry for entry in entries_and_problems
        )

    def describe(self) -> CommitDescription:
        """Return the subject and the author. A commit whose message git cannot show is as good as any other."""
        result = self.git.run(
            "log", "-1", "--no-show-signature", "--no-mailmap", "--no-color", "--encoding=UTF-8", "--format=%s%x00%an",
            self.id, "--",
        )  # fmt: skip
        text = result.output.decode(errors="replace") if result.has_succeeded else ""
        # redacted first, because a shortened secret is not recognised
        subject, _, author = (sanitize(redaction.redact(part.strip())) for part in text.partition("\0"))
        return CommitDescription(subject[:_MAX_SUBJECT], author[:_MAX_AUTHOR])

    def _select_entries(self, path: str) -> Iterator[_Entry | Problem]:
        """Yield the files to read, and a problem for each relevant entry that is not read."""
        listed_entries = self._list_entries(path)
        first_entry = next(listed_entries, None)
        if first_entry is None:
            if path:
                yield self._build_missing_path_problem(path)
            return
        candidates = ((_split_path(entry, path), entry) for entry in chain((first_entry,), listed_entries))
        entries = list(islice((each for each in candidates if _is_relevant(*each)), MAX_DOCUMENTS + 1))
        entries.sort(key=lambda each: each[0])
        folders = self._find_links_to_folders([entry.path for parts, entry in entries if entry.mode == _LINK and parts])
        for parts, entry in entries:
            name, is_named = sanitize(entry.path), _has_manifest_name(parts)
            if entry.mode == _SUBMODULE:
                yield Problem(
                    name, 0, 0, "", "the path is a submodule, and submodules are not read: copy its manifests here"
                )
            elif entry.mode == _LINK and entry.path in folders:
                yield Problem(
                    name, 0, 0, "", f"the path is a symbolic link to a folder, {_LINK_ADVICE.replace('file', 'folder')}"
                )
            elif is_named and entry.mode == _LINK:
                yield Problem(name, 0, 0, "", f"the path is a symbolic link, {_LINK_ADVICE}")
            elif is_named and (entry.size or 0) > MAX_BYTES:
                yield build_size_problem(name)
            elif is_named:
                yield entry

    def _list_entries(self, path: str) -> Iterator[_Entry]:
        """Yield the entries at and below a path. Git has no empty folders, so a missing path has no entries."""
        paths = ("--", path) if path else ()
        result = self._run("ls-tree", "-r", "-t", "-l", "-z", "--full-tree", self.id, *paths)
        for line in _split_lines(result.output):
            head, _, name = line.partition("\t")
            mode, _, oid, size = head.split()
            if not path or name == path or name.startswith(f"{path}/"):  # git also lists the parent folders
                yield _Entry(mode, oid, int(size) if size.isdigit() else None, name)

    def _build_missing_path_problem(self, path: str) -> Problem:
        message = f"the repository '{self.repository_name}' has no such file or folder in the commit {self.id}"
        return Problem(sanitize(path), 0, 0, "", f"{message}: correct --git-path")

    def _read_contents(self, entries: Sequence[_Entry]) -> Mapping[str, bytes]:
        """Return the bytes of files by object id, in batches of a few MiB. Raises GitError."""
        contents: dict[str, bytes] = {}
        sizes: dict[str, int] = {}
        total = 0
        for oid, size in {entry.id: entry.size or 0 for entry in entries}.items():
            if total + size > MAX_BYTES:
                contents |= self._read_batch(sizes)
                sizes, total = {}, 0
            sizes[oid], total = size, total + size
        return contents | self._read_batch(sizes)

    def _read_batch(self, sizes: Mapping[str, int]) -> dict[str, bytes]:
        """Return the bytes of files by object id, given their sizes. Raises GitError."""
        if not sizes:
            return {}
        total = sum(sizes.values())
        object_ids = "".join(f"{oid}\n" for oid in sizes).encode()
        output = self._run(
            "cat-file", "--batch", "--buffer", stdin=object_ids, max_output=total + 128 * len(sizes)
        ).output
        contents = {}
        start = 0
        for oid in sizes:
            header_end = output.index(b"\n", start)
            header, start = output[start:header_end], header_end + 1
            if not header.startswith(f"{oid} blob ".encode()):
                raise GitError(
                    f"the repository '{self.repository_name}' is damaged or incomplete; "
                    f"git reports: {sanitize(header.decode())}"
                )
            size = int(header.rpartition(b" ")[2])
            contents[oid] = output[start : start + size]
            start += size + 1
        return contents

    def _find_links_to_folders(self, links: Iterable[str]) -> frozenset[str]:
        """Return the links that lead to a folder of this commit. Links with a line break in their name are skipped."""
        one_line_links = [link for link in links if "\n" not in link]
        if not one_line_links:
            return frozenset()
        queries = b"".join(os.fsencode(f"{self.id}:{link}\n") for link in one_line_links)
        output = self._run("cat-file", "--batch-check", "--follow-symlinks", stdin=queries).output
        # For a broken link, or a link out of the commit, git prints a line with a length and then that many bytes
        # (https://git-scm.com/docs/git-cat-file, --follow-symlinks).
        folders = set()
        start = 0
        for link in one_line_links:
            end = output.index(b"\n", start)
            reply, start = output[start:end], end + 1
            unresolved = re.fullmatch(rb"(?:symlink|dangling|loop|notdir) (\d+)", reply)
            if unresolved:
                start += int(unresolved[1]) + 1
            elif re.fullmatch(rb"[0-9a-f]+ tree \d+", reply):
                folders.add(link)
        return frozenset(folders)

    def _run(self, *arguments: str, stdin: bytes = b"", max_output: int = MAX_OUTPUT_BYTES) -> CommandResult:
        result = self.git.run(*arguments, stdin=stdin, max_output=max_output)
        if not result.has_succeeded:
            raise messages.build_error(self.repository_name, result.error_output)
        return result


def _split_lines(output: bytes) -> Iterator[str]:
    """Yield NUL-terminated lines lazily, because a listing may be long and few of its lines are relevant."""
    start = 0
    while (end := output.find(b"\0", start)) >= 0:
        yield output[start:end].decode(errors="surrogateescape")
        start = end + 1


def _is_relevant(parts: Sequence[str], entry: _Entry) -> bool:
    """Return whether an entry is a manifest, a link or a submodule, outside hidden folders."""
    if entry.mode == _TREE or any(map(is_hidden, parts)):
        return False
    return _has_manifest_name(parts) or entry.mode in {_LINK, _SUBMODULE}


def _has_manifest_name(parts: Sequence[str]) -> bool:
    """Return whether a file has the name of a manifest. A file that the path names directly may have any name."""
    return not parts or is_manifest(parts[-1])


def _split_path(entry: _Entry, path: str) -> list[str]:
    """Return the parts of an entry's path relative to `path`, or an empty list for `path` itself."""
    relative_path = entry.path.removeprefix(path).removeprefix("/")
    return relative_path.split("/") if relative_path else []


def _build_file(entry: _Entry, contents: Mapping[str, bytes]) -> File | Problem:
    name, content = sanitize(entry.path), contents[entry.id]
    if content.startswith(_LFS_POINTER):
        return Problem(
            name, 0, 0, "", "the file is a Git LFS pointer instead of a manifest: keep manifests out of Git LFS"
        )
    return File(name, content)
