"""Secrets of the store: what a deployment finds in Secrets Manager, here from the environment, never from a command
line that others can list."""

from __future__ import annotations

import os
from collections.abc import Mapping

import boto3

from facesearch_local.clients import LOCAL_CONFIG
from facesearch_local.stores import StoreError


def keep(aws: Mapping[str, str], secrets: Mapping[str, str]) -> None:
    """Create secrets, or give them their value of today; `secrets`: name of each, and the environment variable that
    holds it.

    Raises:
        StoreError: there is no such variable.
    """
    client = boto3.client(
        "secretsmanager",
        endpoint_url=aws["AWS_ENDPOINT_URL"],
        region_name=aws["AWS_REGION"],
        aws_access_key_id=aws["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=aws["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=aws.get("AWS_SESSION_TOKEN"),
        config=LOCAL_CONFIG,
    )
    for name, variable in secrets.items():
        value = os.environ.get(variable)
        if not value:
            raise StoreError(f"the environment variable {variable} must hold the value of the secret {name}")
        try:
            client.create_secret(Name=name, SecretString=value)
        except client.exceptions.ResourceExistsException:
            client.put_secret_value(SecretId=name, SecretString=value)
