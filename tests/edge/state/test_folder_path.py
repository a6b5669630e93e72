"""A clear path is accepted, and a text that may be a mistyped S3 URL is rejected."""

from __future__ import annotations

import pytest

from reconciler.edge.state.folder_path import find_path_problem


@pytest.mark.parametrize("path", ["state", "./state", "../x/state", "a b/c", "/var/lib/it's", "/srv/a:b", "x/"])
def test_plain_path_is_accepted(path: str) -> None:
    """Relative and absolute paths are accepted, and an absolute path may contain a colon."""
    assert find_path_problem(path) is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", "is empty"),
        (" ", "is empty"),
        (" s3://b/p", "begins or ends with a blank"),
        ("s3://b/p\n", "begins or ends with a blank"),
        ("\ufeffs3://b/p", "invisible characters"),
        ('"s3://b/p', "begins or ends with a quote"),
        ("state'", "begins or ends with a quote"),
        ("~/x", "write the full path"),
        ("--dry-run", "is an option"),
        ("${X}", "contains a variable or a pattern"),
        ("%S/reconciler", "contains a variable or a pattern"),
        ("arn:aws:s3:::b/p", "is neither an S3 URL nor clearly a path"),
        ("/x/arn:aws:s3:::b/p", "is neither an S3 URL nor clearly a path"),
        ("s3:b/p", "is neither an S3 URL nor clearly a path"),
        ("bucket:p", "is neither an S3 URL nor clearly a path"),
        ("S3//b/p", "is neither an S3 URL nor clearly a path"),
        ("s3.//b/p", "is neither an S3 URL nor clearly a path"),
        ("s3 //b/p", "is neither an S3 URL nor clearly a path"),
        ("s3;/b/p", "is neither an S3 URL nor clearly a path"),
        ("s3\uff1a/b/p", "is neither an S3 URL nor clearly a path"),
        ("s3%3A%2F%2Fb/p", "is neither an S3 URL nor clearly a path"),
        ("s3\\b\\p", "is neither an S3 URL nor clearly a path"),
        ("@STATE@", "contains a variable or a pattern"),
        ("__STATE__", "contains a variable or a pattern"),
        ("null", "contains a variable or a pattern"),
        ("None", "contains a variable or a pattern"),
        ("/var/lib/*", "contains a variable or a pattern"),
        ("=state", "is neither an S3 URL nor clearly a path"),
        ("[s3]", "is neither an S3 URL nor clearly a path"),
        ("s3_//b", "is neither an S3 URL nor clearly a path"),
    ],
)
def test_mistyped_location_is_rejected(path: str, expected: str) -> None:
    """A text that is not clearly a path is rejected with its problem."""
    assert expected in str(find_path_problem(path))
