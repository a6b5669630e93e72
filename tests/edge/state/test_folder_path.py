"""What is plainly a path is taken as one; what was meant to be a place in S3 is not."""

from __future__ import annotations

import pytest

from reconciler.edge.state.folder_path import find_path_problem


@pytest.mark.parametrize("path", ["state", "./state", "../x/state", "a b/c", "/var/lib/it's", "/srv/a:b", "x/"])
def test_plain_path_is_accepted(path: str) -> None:
    """A colon may stand in an absolute one."""
    assert find_path_problem(path) is None


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "is empty"),
        (" ", "is empty"),
        (" s3://b/p", "has blanks at an end"),
        ("s3://b/p\n", "has blanks at an end"),
        ("\ufeffs3://b/p", "characters that cannot be seen"),
        ('"s3://b/p', "has quotes around it"),
        ("state'", "has quotes around it"),
        ("~/x", "write the full path"),
        ("--dry-run", "is an option"),
        ("${X}", "has a variable or a pattern in it"),
        ("%S/reconciler", "has a variable or a pattern in it"),
        ("arn:aws:s3:::b/p", "is neither a place in S3 nor plainly a path"),
        ("/x/arn:aws:s3:::b/p", "is neither a place in S3 nor plainly a path"),
        ("s3:b/p", "is neither a place in S3 nor plainly a path"),
        ("bucket:p", "is neither a place in S3 nor plainly a path"),
        ("S3//b/p", "is neither a place in S3 nor plainly a path"),
        ("s3.//b/p", "is neither a place in S3 nor plainly a path"),
        ("s3 //b/p", "is neither a place in S3 nor plainly a path"),
        ("s3;/b/p", "is neither a place in S3 nor plainly a path"),
        ("s3\uff1a/b/p", "is neither a place in S3 nor plainly a path"),
        ("s3%3A%2F%2Fb/p", "is neither a place in S3 nor plainly a path"),
        ("s3\\b\\p", "is neither a place in S3 nor plainly a path"),
        ("@STATE@", "has a variable or a pattern in it"),
        ("__STATE__", "has a variable or a pattern in it"),
        ("null", "has a variable or a pattern in it"),
        ("None", "has a variable or a pattern in it"),
        ("/var/lib/*", "has a variable or a pattern in it"),
        ("=state", "is neither a place in S3 nor plainly a path"),
        ("[s3]", "is neither a place in S3 nor plainly a path"),
        ("s3_//b", "is neither a place in S3 nor plainly a path"),
    ],
)
def test_mistyped_location_is_rejected(path: str, said: str) -> None:
    """It says what is wrong."""
    assert said in str(find_path_problem(path))
