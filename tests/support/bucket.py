"""A bucket in the S3 of a sandbox, with the journal of the program."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import boto3

ACCOUNT, REGION = "123456789012", "us-east-1"


class Bucket:
    """A new bucket. `url` is the value for --state, `key` the object of the journal of a sandbox."""

    url = "s3://journals/prod"
    name = "journals"
    key = f"prod/sandbox/{ACCOUNT}-{REGION}.json"
    location = f"s3://{name}/{key}"

    def __init__(self, endpoint: str) -> None:
        http = HTTPConnection(urlsplit(endpoint).netloc)
        http.request("POST", "/moto-api/reset")  # the tests of a process share one S3 of moto
        assert http.getresponse().read()
        http.close()
        self._client: Any = boto3.client(
            "s3", REGION, endpoint_url=endpoint, aws_access_key_id="x", aws_secret_access_key="x"
        )
        self._client.create_bucket(Bucket=self.name)

    @property
    def keys(self) -> list[str]:
        """The keys of the objects in the bucket."""
        return [each["Key"] for each in self._client.list_objects_v2(Bucket=self.name).get("Contents", [])]

    @property
    def text(self) -> str:
        """The text of the journal."""
        text: bytes = self._client.get_object(Bucket=self.name, Key=self.key)["Body"].read()
        return text.decode()

    @text.setter
    def text(self, text: str) -> None:
        self._client.put_object(Bucket=self.name, Key=self.key, Body=text.encode())

    @property
    def journal(self) -> Any:
        """The journal as its JSON document."""
        return json.loads(self.text)
