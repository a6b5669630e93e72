"""The work of a plan grows with the number of its manifests, and not faster."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest
from support.builders import ACCOUNT, NOW, REGION, journal, live, manifest, record, rules
from support.growth import CountedText, count_calls

from reconciler.core.apply.preview import Preview
from reconciler.core.apply.transitions import with_intents
from reconciler.core.journal.records import Journal, Record
from reconciler.core.model import Integration, Live, Manifest, Observation, Spec, Target
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.integrations import index_integrations
from reconciler.core.plan.plan import Plan
from reconciler.core.report.build import build_target_report
from reconciler.core.suggestions import LimitedSuggestions

MANIFESTS, TIMES = 100, 4
LINEAR = 4.2
"""The most that the work may grow if the input is four times as large."""


@dataclass
class Account:
    """Manifests of one account, ten for each data integration, with what AWS and the journal have of them."""

    manifests: list[Manifest] = field(default_factory=list)
    live: dict[str, tuple[Live, ...]] = field(default_factory=dict)
    integrations: tuple[Integration, ...] = ()
    records: list[Record] = field(default_factory=list)

    @classmethod
    def build(cls, count: int, *, is_live: bool = True, is_recorded: bool = True, suffix: str = "") -> Account:
        """Return an account. With a suffix, each manifest names an unknown data integration."""
        account = cls()
        for number in range(count // 10):
            place = f"arn:aws:app-integrations:{REGION}:{ACCOUNT}:data-integration"
            integration = Integration(f"{place}/00000000-0000-4000-8000-{number:012}", f"integration-{number:04}")
            account.integrations += (integration,)
            numbers = range(number * 10, number * 10 + 10)
            account.manifests += (
                manifest(
                    f"export-{each:04}",
                    DataIntegrationIdentifier=integration.name + suffix.format(each),
                    DestinationURI=f"s3://corp/{each}",
                )
                for each in numbers
            )
            stored = [record(f"export-{each:04}", f"a{each}", DestinationURI=f"s3://corp/{each}") for each in numbers]
            account.records += (replace(each, request=_move(each.request, integration)) for each in stored)
            shown = [live(f"a{each}", DestinationURI=f"s3://corp/{each}") for each in numbers]
            account.live[integration.arn] = tuple(replace(each, spec=_move(each.spec, integration)) for each in shown)
        account.records *= is_recorded
        account.live = account.live if is_live else dict.fromkeys(account.live, ())
        return account

    @property
    def observation(self) -> Observation:
        """The observation of the account."""
        return Observation(self.integrations, self.live, NOW)

    @property
    def journal(self) -> Journal:
        """The journal of the account."""
        return journal(*self.records)

    def report(self) -> None:
        """Compute the plan with its guardrails and warnings, and build its report and its journal."""
        preview = Preview(Plan(), self.journal, self.observation, rules(), NOW).replan(
            Target("prod"), self.manifests, self.observation
        )
        build_target_report("prod", ACCOUNT, REGION, preview.result)
        with_intents(self.journal, preview.plan, NOW)


def _move(request: Spec, integration: Integration) -> Spec:
    return {**request, "DataIntegrationIdentifier": integration.arn}


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"is_recorded": False},
        {"is_live": False},
        {"is_live": False, "is_recorded": False},
        {"suffix": "-copy-{}"},
    ],
    ids=["in sync", "to adopt", "lost", "to create", "without data integration"],
)
def test_calls_of_a_plan_and_its_report_grow_with_the_manifests(state: dict[str, Any]) -> None:
    """Four times as many manifests and records need at most 4.2 times as many calls, in every state."""
    few, many = Account.build(MANIFESTS, **state), Account.build(MANIFESTS * TIMES, **state)
    assert len(few.manifests) * TIMES == len(many.manifests)
    assert count_calls(many.report) <= LINEAR * count_calls(few.report)


def test_unmanaged_associations_grow_with_the_associations() -> None:
    """Four times as many live associations without a manifest need at most 4.2 times as many calls."""

    def find_unmanaged(account: Account) -> int:
        assert len(compute_plan((), account.observation, account.journal, rules()).unmanaged) == len(account.records)
        return count_calls(lambda: compute_plan((), account.observation, account.journal, rules()))

    assert find_unmanaged(Account.build(MANIFESTS * TIMES)) <= LINEAR * find_unmanaged(Account.build(MANIFESTS))


def test_index_of_integrations_replaces_comparisons() -> None:
    """Four times as many data integrations need at most 4.2 times as many comparisons, if each is looked for once."""

    def find_each(count: int) -> None:
        names = [CountedText(f"integration-{number}") for number in range(count)]
        index = index_integrations([Integration(f"arn/{name}", name) for name in names])
        assert [index[name].name for name in names] == names

    assert count_calls(partial(find_each, 1_000)) <= LINEAR * count_calls(partial(find_each, 250))


def test_similar_names_are_looked_for_a_limited_number_of_times() -> None:
    """After the first hundred unknown names, no name is compared any more. A name known by then keeps its answer."""
    suggestions, known = LimitedSuggestions(100), [f"account-production-{number:04}" for number in range(5_000)]

    def search(numbers: range) -> list[str | None]:
        return [suggestions.find_closest(f"account-produktion-{number:04}", known) for number in numbers]

    first = search(range(100))
    assert first[0] == "account-production-0000"
    assert search(range(100, 200)) == [None] * 100
    assert search(range(100)) == first
    assert suggestions.find_closest("account-produktion-0000", ["account-production-0001"]) is None
    one_search = count_calls(lambda: search(range(200, 201)))
    assert count_calls(lambda: search(range(200, 300))) <= 100 * one_search
