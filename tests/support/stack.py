"""Deploy a CloudFormation template to moto, and read what the stack made of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import boto3
from cfnlint.decode import cfn_yaml
from support.paths import DEPLOY

ACCOUNT, REGION = "123456789012", "us-east-1"
# moto creates nothing for these types. It warns of each.
UNKNOWN_TO_MOTO = {"AWS::AppIntegrations::DataIntegration", "AWS::S3::BucketPolicy", "AWS::Scheduler::Schedule"}


@dataclass(frozen=True, slots=True)
class Stack:
    """A template that was deployed to moto."""

    template: Any
    values: dict[str, str]
    """The values of `Ref` and `Fn::GetAtt`, such as `Bucket` and `Bucket.Arn`."""
    outputs: dict[str, str]

    def properties(self, resource: str) -> Any:
        """Return the properties of a resource, with the values of the stack."""
        return self._resolve(self.template["Resources"][resource]["Properties"])

    def _resolve(self, node: Any) -> Any:
        match node:
            case {"Ref": name}:
                return self.values[name]
            case {"Fn::GetAtt": path}:
                return self.values[".".join(path)]
            case {"Fn::Sub": text}:
                return re.sub(r"\$\{([\w.:]+)\}", lambda found: self.values[found[1]], text)
            case dict():
                return {str(key): self._resolve(value) for key, value in node.items()}
            case list():
                return [self._resolve(value) for value in node]
            case _:
                return node


def deploy(name: str, parameters: dict[str, str], arns: dict[str, str]) -> Stack:
    """Deploy a template to moto. `arns` has a pattern for the ARN of each resource whose ARN the template uses."""
    path = DEPLOY / "cloudformation" / f"{name}.yaml"
    template = cfn_yaml.load(str(path))
    client = boto3.client("cloudformation", REGION)
    client.create_stack(
        StackName=name,
        TemplateBody=path.read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    stack = client.describe_stacks(StackName=name)["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    resources: Any = client.describe_stack_resources(StackName=name)["StackResources"]
    identifiers = {
        each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources if "LogicalResourceId" in each
    }
    required = {key: each["Type"] for key, each in template["Resources"].items() if "Condition" not in each}
    assert {type_ for key, type_ in required.items() if key not in identifiers} <= UNKNOWN_TO_MOTO
    values = {
        "AWS::AccountId": ACCOUNT,
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        **{
            key: str(parameter["Default"])
            for key, parameter in template["Parameters"].items()
            if "Default" in parameter
        },
        **parameters,
        **identifiers,
        **{f"{resource}.Arn": arn % identifiers[resource] for resource, arn in arns.items()},
    }
    return Stack(template, values, {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]})
