"""New writes: mypy names every place that must handle one.

The test adds a Delete to a copy of the package, as a contributor would.
"""

from __future__ import annotations

from pathlib import Path

from support.package_copy import copy_package, find_type_errors

WRITE, KIND = "reconciler/core/plan/write.py", "reconciler/core/plan/decision_kind.py"
DELETE = """@dataclass(frozen=True, slots=True)
class Delete(_Call):
    kind: ClassVar[Literal[DecisionKind.DELETE]] = DecisionKind.DELETE
    operation: ClassVar = "DeleteDataIntegrationAssociation"
    reference_name: ClassVar = "association"
    repeats_export: ClassVar = False
    manifest: Manifest
    record: Record
    previous_record: Record
    reason: str

    @property
    def reference(self) -> str:
        return ""


"""
NEW_WRITE = (
    (KIND, '    BLOCKED = "blocked"\n', '    BLOCKED = "blocked"\n    DELETE = "delete"\n'),
    (KIND, "Literal[DecisionKind.CREATE, ", "Literal[DecisionKind.CREATE, DecisionKind.DELETE, "),
    (WRITE, "Write: TypeAlias = Create", DELETE + "Write: TypeAlias = Delete | Create"),
)
PLACES = {
    ("reconciler/app/reviewed_plan.py", "_format_write"),
    ("reconciler/core/notifications/conditions.py", "_find_condition_of_decision"),
    ("reconciler/core/plan/decision.py", "get_exit_code"),
    ("reconciler/core/plan/decision.py", "get_live"),
    ("reconciler/core/plan/decision.py", "get_planned_write"),
    ("reconciler/core/plan/guardrails.py", "_check_policies"),
    ("reconciler/core/plan/review.py", "_decode_body"),
    ("reconciler/core/plan/review.py", "_encode_body"),
    ("reconciler/core/plan/write.py", "select_body"),
    ("reconciler/core/report/build.py", "_get_differences"),
    ("reconciler/core/report/decision_row.py", "_describe_conditions"),
    ("reconciler/core/report/report.py", "AssociationReport"),
    ("reconciler/core/report/window_obstacle.py", "_describe_obstacle"),
    ("reconciler/edge/logs/reports.py", "_get_failure_events"),
    ("reconciler/execute.py", "Executor"),
    ("reconciler/render/after_call.py", "_describe_refused"),
    ("reconciler/render/after_call.py", "_describe_unanswered"),
    ("reconciler/render/formats/json.py", "_encode_write"),
    ("reconciler/render/formats/text.py", "_TextRenderer"),
    ("reconciler/render/kinds.py", "get_kind_of_decision"),
}


def test_mypy_names_every_place_of_a_new_write(tmp_path: Path) -> None:
    """Mypy names each place that handles Creates and Updates differently, and lacks the new write."""
    copy_package(tmp_path, NEW_WRITE)
    assert find_type_errors(tmp_path) == PLACES
