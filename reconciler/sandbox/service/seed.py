"""The data integrations of a new sandbox, for first manifests to associate."""

from reconciler.sandbox.service.state import DataIntegration, JsonObject, State


def create_seed_state(account: str, region: str) -> State:
    """Return the initial state of an account and Region. The ids are the same in every account and Region."""
    kms_key = f"arn:aws:kms:{region}:{account}:key/5eed0000-0000-4000-8000-000000000000"
    integrations = [
        DataIntegration(integration_id, {"KmsKey": kms_key} | request) for integration_id, request in _SEEDS.items()
    ]
    return State({integration.id: integration for integration in integrations})


_SEEDS: dict[str, JsonObject] = {
    "5eed0000-0000-4000-8000-000000000001": {
        "Name": "profiles-export",
        "Description": "A bulk export of Customer Profiles",
        "SourceURI": "AmazonConnect://AppIntegrations",
        "ObjectConfiguration": {"CustomerProfiles": {"domainName": ["my-domain"], "objectType": ["_profile"]}},
    },
    "5eed0000-0000-4000-8000-000000000002": {
        "Name": "crm-accounts",
        "Description": "Accounts of a CRM, every hour",
        "SourceURI": "Salesforce://AppFlow/crm",
        "ScheduleConfig": {
            "FirstExecutionFrom": "1767225600000",
            "Object": "Account",
            "ScheduleExpression": "rate(1 hour)",
        },
    },
    "5eed0000-0000-4000-8000-000000000003": {
        "Name": "knowledge-articles",
        "Description": "Articles of a knowledge base",
        "SourceURI": "s3://corp-knowledge/articles",
        "FileConfiguration": {"Folders": ["/"]},
    },
    "5eed0000-0000-4000-8000-000000000004": {
        "Name": "profiles-backfill",
        "Description": "A bulk export of Customer Profiles, for older data",
        "SourceURI": "AmazonConnect://AppIntegrations",
        "ObjectConfiguration": {"CustomerProfiles": {"domainName": ["my-domain"], "objectType": ["_profile"]}},
    },
}
