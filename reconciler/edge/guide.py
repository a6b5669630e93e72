"""Parse what AWS asks for a bulk export from the CloudFormation template of this project."""

from __future__ import annotations

from typing import Any

import yaml

from reconciler.core.doctor.guide import Guide


class _TemplateLoader(yaml.SafeLoader):
    """A loader that reads the short form of an intrinsic function (`!Ref Key`) as a mapping (`{"Ref": "Key"}`)."""


def _read_function(loader: _TemplateLoader, suffix: str, node: Any) -> dict[str, Any]:
    return {suffix if suffix == "Ref" else f"Fn::{suffix}": loader.construct_scalar(node)}


_TemplateLoader.add_multi_constructor("!", _read_function)


def parse_guide(text: str) -> Guide:
    """Return what the text of the template says about keys, buckets and data integrations."""
    return Guide(yaml.load(text, _TemplateLoader)["Resources"])  # noqa: S506 - a subclass of SafeLoader
