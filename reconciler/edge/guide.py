"""Read what AWS asks for a bulk export from the CloudFormation template of this project."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from reconciler.core.doctor.guide import Guide

_FILE = "export.yaml"


class _TemplateLoader(yaml.SafeLoader):
    """A loader that reads the short form of an intrinsic function (`!Ref Key`) as a mapping (`{"Ref": "Key"}`)."""


def _read_function(loader: _TemplateLoader, suffix: str, node: Any) -> dict[str, Any]:
    return {suffix if suffix == "Ref" else f"Fn::{suffix}": loader.construct_scalar(node)}


_TemplateLoader.add_multi_constructor("!", _read_function)


def load_guide() -> Guide:
    """Return what the template says about keys, buckets and data integrations."""
    folder: Traversable = files("reconciler") / "cloudformation"
    if not folder.is_dir():  # in a checkout, the template is not inside the package
        folder = Path(__file__).parents[2] / "deploy" / "cloudformation"
    text = (folder / _FILE).read_text(encoding="utf-8")
    return Guide(yaml.load(text, _TemplateLoader)["Resources"])  # noqa: S506 - a subclass of SafeLoader
