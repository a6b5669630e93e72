"""A Create starts a job and is permanent. An Update changes the execution configuration and runs the job again."""

from typing import Any, Literal

import pytest

from reconciler.sandbox import Behaviour, ManualClock
from reconciler.sandbox.service.errors import (
    AccessDeniedError,
    AnswerLostError,
    InternalServiceError,
    InvalidRequestError,
    QuotaExceededError,
    ResourceNotFoundError,
    ThrottlingError,
)
from reconciler.sandbox.service.service import AppIntegrations

ON_DEMAND = {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": {"StartTime": "1", "EndTime": "2"}}
LATER = {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": {"StartTime": "2", "EndTime": "3"}}
SCHEDULED = {"ExecutionMode": "SCHEDULED", "ScheduleConfiguration": {"ScheduleExpression": "rate(1 day)"}}


def create_association(service: AppIntegrations, **members: Any) -> dict[str, Any]:
    """Create an association of profiles-export and return the answer."""
    request = {"DataIntegrationIdentifier": "profiles-export", "ExecutionConfiguration": ON_DEMAND}
    return service.call("CreateDataIntegrationAssociation", request | members)


def update_association(service: AppIntegrations, identifier: str, execution: dict[str, Any] = LATER) -> dict[str, Any]:
    """Update an association of profiles-export and return the answer."""
    return service.call(
        "UpdateDataIntegrationAssociation",
        {
            "DataIntegrationIdentifier": "profiles-export",
            "DataIntegrationAssociationIdentifier": identifier,
            "ExecutionConfiguration": execution,
        },
    )


def list_associations(service: AppIntegrations, integration: str = "profiles-export") -> list[dict[str, Any]]:
    """Return the associations of a data integration, as List shows them."""
    response = service.call("ListDataIntegrationAssociations", {"DataIntegrationIdentifier": integration})
    return list(response["DataIntegrationAssociations"])


def list_job_statuses(service: AppIntegrations) -> list[str]:
    """Return the status of each job, as List shows it."""
    return [each["LastExecutionStatus"]["ExecutionStatus"] for each in list_associations(service)]


def test_list_omits_the_members_that_aws_omits(service: AppIntegrations) -> None:
    """List shows neither object configuration nor metadata nor token, and shows every other member."""
    created = create_association(
        service,
        ClientId="client",
        DestinationURI="s3://exports/2026",
        ObjectConfiguration={"a": {"b": ["c"]}},
        ClientAssociationMetadata={"k": "v"},
        ClientToken="t",
    )
    [item] = list_associations(service)
    assert set(created) == {"DataIntegrationAssociationId", "DataIntegrationArn"}
    arn = "arn:aws:app-integrations:us-east-1:123456789012:data-integration-association"
    integration = created["DataIntegrationArn"].rpartition("/")[2]
    assert item == {
        "DataIntegrationAssociationArn": f"{arn}/{integration}/{created['DataIntegrationAssociationId']}",
        "DataIntegrationArn": created["DataIntegrationArn"],
        "ClientId": "client",
        "DestinationURI": "s3://exports/2026",
        "ExecutionConfiguration": ON_DEMAND,
        "LastExecutionStatus": {"ExecutionStatus": "IN_PROGRESS", "StatusMessage": "The job is running."},
    }


def test_list_returns_the_associations_of_one_integration(service: AppIntegrations) -> None:
    """List shows only the associations of the requested data integration."""
    create_association(service)
    create_association(service, DataIntegrationIdentifier="crm-accounts", ExecutionConfiguration=SCHEDULED)
    assert len(list_associations(service)) == len(list_associations(service, "crm-accounts")) == 1
    assert list_associations(service, "knowledge-articles") == []


def test_job_completes_when_its_time_is_over(service: AppIntegrations, clock: ManualClock) -> None:
    """An ON_DEMAND job is IN_PROGRESS for `job_seconds`, and then COMPLETED."""
    create_association(service)
    clock.advance(9.9)
    assert list_job_statuses(service) == ["IN_PROGRESS"]
    clock.advance(0.1)
    assert list_job_statuses(service) == ["COMPLETED"]


def test_failing_jobs_can_be_configured(service: AppIntegrations, clock: ManualClock) -> None:
    """With `job_outcome=FAILED`, a job ends as FAILED with a reason."""
    service.set_behaviour(Behaviour(job_outcome="FAILED", job_seconds=1))
    create_association(service)
    clock.advance(1)
    [item] = list_associations(service)
    assert item["LastExecutionStatus"]["ExecutionStatus"] == "FAILED"
    assert item["LastExecutionStatus"]["StatusMessage"]


def test_scheduled_association_has_run_no_job(service: AppIntegrations) -> None:
    """A Create starts no job for a schedule, and none without an execution configuration."""
    create_association(service, ExecutionConfiguration=SCHEDULED)
    service.call("CreateDataIntegrationAssociation", {"DataIntegrationIdentifier": "profiles-export"})
    scheduled, without_execution = list_associations(service)
    assert "LastExecutionStatus" not in scheduled
    assert set(without_execution) == {"DataIntegrationAssociationArn", "DataIntegrationArn"}


def test_update_reruns_the_job(service: AppIntegrations, clock: ManualClock) -> None:
    """An Update has an empty answer, changes the execution configuration and runs the job again."""
    created = create_association(service, DestinationURI="s3://exports/2026")
    clock.advance(60)
    assert list_job_statuses(service) == ["COMPLETED"]
    assert update_association(service, created["DataIntegrationAssociationId"]) == {}
    assert list_job_statuses(service) == ["IN_PROGRESS"]
    [item] = list_associations(service)
    assert (item["ExecutionConfiguration"], item["DestinationURI"]) == (LATER, "s3://exports/2026")
    assert update_association(service, item["DataIntegrationAssociationArn"], SCHEDULED) == {}
    assert [each.operation[:6] for each in service.executed_writes] == ["Create", "Update", "Update"]


def test_update_under_another_integration_is_not_found(service: AppIntegrations) -> None:
    """An association can be updated only under its own data integration."""
    create_association(service, DataIntegrationIdentifier="crm-accounts")
    [item] = list_associations(service, "crm-accounts")
    with pytest.raises(ResourceNotFoundError):
        update_association(service, item["DataIntegrationAssociationArn"])


def test_executed_writes_are_logged_with_token_and_time(service: AppIntegrations, clock: ManualClock) -> None:
    """An executed write is recorded with operation, token, ARN and time. A repeated token adds no record."""
    create_association(service, ClientToken="t")
    create_association(service, ClientToken="t")
    [item] = list_associations(service)
    [write] = service.executed_writes
    assert (write.operation, write.token) == ("CreateDataIntegrationAssociation", "t")
    assert (write.arn, write.at) == (item["DataIntegrationAssociationArn"], clock())


def test_eleventh_association_exceeds_the_quota(service: AppIntegrations) -> None:
    """Each data integration accepts ten associations and refuses the eleventh."""
    for _ in range(10):
        create_association(service, ExecutionConfiguration=SCHEDULED)
    with pytest.raises(QuotaExceededError):
        create_association(service, ExecutionConfiguration=SCHEDULED)
    create_association(service, DataIntegrationIdentifier="crm-accounts", ExecutionConfiguration=SCHEDULED)


def test_concurrent_exports_have_a_quota(service: AppIntegrations, clock: ManualClock) -> None:
    """Running exports count towards the quota, from Creates and Updates. Completed exports and schedules do not."""
    service.set_behaviour(Behaviour(concurrent_exports=2))
    created = create_association(service)["DataIntegrationAssociationId"]
    update_association(service, created)
    create_association(service, DataIntegrationIdentifier="crm-accounts")
    with pytest.raises(QuotaExceededError):
        create_association(service)
    create_association(service, ExecutionConfiguration=SCHEDULED)
    clock.advance(10)
    create_association(service)
    create_association(service)
    with pytest.raises(QuotaExceededError):
        update_association(service, created)


def test_repeated_token_returns_the_first_answer(service: AppIntegrations) -> None:
    """A repeated token returns the first answer, even with other parameters."""
    first = create_association(service, ClientToken="t")
    assert create_association(service, ClientToken="t") == first
    assert create_association(service, ClientToken="t", ClientId="other") == first
    assert create_association(service, ClientToken="u") != first
    assert len(service.executed_writes) == 2


def test_token_knows_an_integration_by_any_identifier(service: AppIntegrations) -> None:
    """Name and ARN of a data integration count as the same parameter."""
    service.set_behaviour(Behaviour(tokens="refuse-mismatch"))
    first = create_association(service, ClientToken="t")
    assert create_association(service, ClientToken="t", DataIntegrationIdentifier=first["DataIntegrationArn"]) == first


def test_repeated_token_with_other_parameters_can_be_refused(service: AppIntegrations) -> None:
    """With `refuse-mismatch`, a repeated token is refused only if other parameters differ."""
    service.set_behaviour(Behaviour(tokens="refuse-mismatch"))
    first = create_association(service, ClientToken="t")
    assert create_association(service, ClientToken="t") == first
    with pytest.raises(InvalidRequestError):
        create_association(service, ClientToken="t", ClientId="other")
    assert len(service.executed_writes) == 1


def test_ignored_tokens_create_again(service: AppIntegrations) -> None:
    """With `ignored`, a repeated token creates a second association."""
    service.set_behaviour(Behaviour(tokens="ignored"))
    assert create_association(service, ClientToken="t") != create_association(service, ClientToken="t")


def test_create_without_a_token_always_creates(service: AppIntegrations) -> None:
    """Every Create without a token creates an association."""
    assert create_association(service) != create_association(service)


def test_expired_token_creates_again(service: AppIntegrations, clock: ManualClock) -> None:
    """A token expires after its lifetime, counted from the first Create, and then creates again."""
    service.set_behaviour(Behaviour(token_lifetime=100))
    first = create_association(service, ClientToken="t")
    clock.advance(99)
    assert create_association(service, ClientToken="t") == first
    clock.advance(1)
    assert create_association(service, ClientToken="t") != first
    clock.advance(100)
    create_association(service, ClientToken="u")
    assert [each.token for each in service.state.answers.values()] == ["u"]


def test_list_can_lag_behind_creates(service: AppIntegrations, clock: ManualClock) -> None:
    """A new association can be missing from List for a while, but counts towards the quota."""
    service.set_behaviour(Behaviour(list_lag=30, associations_per_integration=1))
    create_association(service)
    clock.advance(29)
    assert list_associations(service) == []
    with pytest.raises(QuotaExceededError):
        create_association(service)
    clock.advance(1)
    assert len(list_associations(service)) == 1


def test_list_can_lag_behind_updates(service: AppIntegrations, clock: ManualClock) -> None:
    """List can show the previous execution configuration for a while after an Update."""
    service.set_behaviour(Behaviour(update_lag=30))
    created = create_association(service)
    update_association(service, created["DataIntegrationAssociationId"])
    assert list_associations(service)[0]["ExecutionConfiguration"] == ON_DEMAND
    clock.advance(30)
    assert list_associations(service)[0]["ExecutionConfiguration"] == LATER


def test_list_can_hide_updates_for_ever(service: AppIntegrations, clock: ManualClock) -> None:
    """List can show the execution configuration of the Create for ever, and still the status of the last job."""
    service.set_behaviour(Behaviour(updates_shown=False))
    created = create_association(service)
    update_association(service, created["DataIntegrationAssociationId"])
    assert list_job_statuses(service) == ["IN_PROGRESS"]
    clock.advance(3600)
    assert list_associations(service)[0]["ExecutionConfiguration"] == ON_DEMAND


def test_status_can_lag_behind_jobs(service: AppIntegrations, clock: ManualClock) -> None:
    """List can show no status after a Create, and the status of the job before after an Update."""
    service.set_behaviour(Behaviour(status_lag=30, job_seconds=10, job_outcome="FAILED"))
    created = create_association(service)
    assert "LastExecutionStatus" not in list_associations(service)[0]
    clock.advance(100)
    service.set_behaviour(Behaviour(status_lag=30, job_seconds=10))
    update_association(service, created["DataIntegrationAssociationId"])
    assert list_job_statuses(service) == ["FAILED"]
    clock.advance(30)
    assert list_job_statuses(service) == ["IN_PROGRESS"]
    clock.advance(10)
    assert list_job_statuses(service) == ["COMPLETED"]


@pytest.mark.parametrize(("effect", "seconds"), [("run", 10), ("queue", 15)])
def test_update_can_meet_a_running_job(
    service: AppIntegrations, clock: ManualClock, effect: Literal["run", "queue"], seconds: int
) -> None:
    """The job of an Update begins at once, or after the job that runs."""
    service.set_behaviour(Behaviour(update_during_job=effect, job_seconds=10))
    created = create_association(service)
    clock.advance(5)
    update_association(service, created["DataIntegrationAssociationId"])
    clock.advance(seconds - 1)
    assert list_job_statuses(service) == ["IN_PROGRESS"]
    clock.advance(1)
    assert list_job_statuses(service) == ["COMPLETED"]


def test_update_can_be_refused_during_a_job(service: AppIntegrations, clock: ManualClock) -> None:
    """An Update is refused while the job of its association runs, and accepted afterwards."""
    service.set_behaviour(Behaviour(update_during_job="refuse", job_seconds=10))
    created = create_association(service)
    with pytest.raises(InvalidRequestError, match="while its job is running"):
        update_association(service, created["DataIntegrationAssociationId"])
    clock.advance(10)
    assert update_association(service, created["DataIntegrationAssociationId"]) == {}


def test_list_can_drop_finished_jobs(service: AppIntegrations, clock: ManualClock) -> None:
    """List can drop an association some time after its job. It never drops a scheduled one."""
    service.set_behaviour(Behaviour(list_forgets=50))
    create_association(service)
    create_association(service, ExecutionConfiguration=SCHEDULED)
    clock.advance(59)
    assert len(list_associations(service)) == 2
    clock.advance(1)
    assert [each["ExecutionConfiguration"] for each in list_associations(service)] == [SCHEDULED]


def test_one_association_per_integration_can_be_enforced(service: AppIntegrations) -> None:
    """A second association can be refused, even after the first is removed. A repeated token still answers."""
    service.set_behaviour(Behaviour(one_association_per_integration=True))
    created = create_association(service, ClientToken="t")
    assert create_association(service, ClientToken="t") == created
    with pytest.raises(InvalidRequestError, match="previously associated"):
        create_association(service)
    service.remove_association(created["DataIntegrationAssociationId"])
    with pytest.raises(InvalidRequestError, match="previously associated"):
        create_association(service)
    create_association(service, DataIntegrationIdentifier="crm-accounts")


def test_explicit_deny_has_the_aws_message(service: AppIntegrations) -> None:
    """An explicit deny refuses Create and Update with the text that AWS uses, and List still works."""
    created = create_association(service)["DataIntegrationAssociationId"]
    service.set_behaviour(Behaviour(explicit_deny=True))
    with pytest.raises(AccessDeniedError, match="explicit deny in a resource-based policy"):
        create_association(service)
    with pytest.raises(AccessDeniedError, match="explicit deny"):
        update_association(service, created)
    assert len(list_associations(service)) == 1


def test_plain_denial_has_no_explicit_deny(service: AppIntegrations) -> None:
    """The message for a missing permission does not mention an explicit deny."""
    service.set_behaviour(Behaviour(access_denied=True))
    with pytest.raises(AccessDeniedError) as error:
        create_association(service)
    assert "explicit deny" not in str(error.value)


def test_list_can_be_denied_for_one_integration(service: AppIntegrations) -> None:
    """List can be refused for one data integration, and still works for the others."""
    service.set_behaviour(Behaviour(list_denied="profiles-export"))
    with pytest.raises(AccessDeniedError):
        list_associations(service)
    assert list_associations(service, "crm-accounts") == []


def test_throttle_is_a_token_bucket_over_all_operations(service: AppIntegrations, clock: ManualClock) -> None:
    """The operations share one token bucket: a burst passes, then the rate applies. Idle time saves up one burst."""
    service.set_behaviour(Behaviour(throttle_rate=2, throttle_burst=3))
    for operation in ("ListDataIntegrations",) * 3:
        service.call(operation, {})
    with pytest.raises(ThrottlingError):
        create_association(service)
    clock.advance(0.5)
    create_association(service)
    with pytest.raises(ThrottlingError):
        service.call("ListDataIntegrations", {})
    clock.advance(1000)
    for _ in range(3):
        service.call("ListDataIntegrations", {})
    with pytest.raises(ThrottlingError):
        service.call("ListDataIntegrations", {})
    assert len(service.executed_writes) == 1
    service.set_behaviour(Behaviour())
    service.call("ListDataIntegrations", {})


def test_write_with_a_lost_answer_is_executed_once(service: AppIntegrations) -> None:
    """A Create whose answer is lost is executed. The repeated token returns the same association."""
    service.set_behaviour(Behaviour(lose_answers=1))
    with pytest.raises(AnswerLostError):
        create_association(service, ClientToken="t")
    created = create_association(service, ClientToken="t")
    assert len(service.executed_writes) == 1
    assert created["DataIntegrationAssociationId"] in service.executed_writes[0].arn


def test_number_of_lost_answers_is_configurable(service: AppIntegrations) -> None:
    """With `lose_answers=2`, two writes lose their answers, and the third does not."""
    service.set_behaviour(Behaviour(lose_answers=2))
    with pytest.raises(AnswerLostError):
        create_association(service)
    created = service.executed_writes[0].arn
    with pytest.raises(AnswerLostError):
        update_association(service, created)
    assert update_association(service, created) == {}
    assert len(service.executed_writes) == 3


def test_failed_write_is_not_carried_out(service: AppIntegrations) -> None:
    """With `fail_writes=1`, the first write answers 500 and is not executed."""
    service.set_behaviour(Behaviour(fail_writes=1))
    with pytest.raises(InternalServiceError):
        create_association(service, ClientToken="t")
    assert service.executed_writes == ()
    create_association(service, ClientToken="t")
    assert len(service.executed_writes) == 1
