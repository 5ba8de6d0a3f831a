"""Updates that say whether their condition held."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from facesearch.adapters.dynamodb.schema import Key


def update(
    dynamodb: "DynamoDBClient", table: str, key: "Key", expression: str, values: "Key", condition: str = ""
) -> bool:
    """Update an item; False if the condition does not hold. `#status` stands for `status`, a reserved word."""
    more: Any = {"ConditionExpression": condition} if condition else {}
    if "#status" in expression + condition:
        more["ExpressionAttributeNames"] = {"#status": "status"}
    try:
        dynamodb.update_item(
            TableName=table, Key=key, UpdateExpression=expression, ExpressionAttributeValues=values, **more
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True
