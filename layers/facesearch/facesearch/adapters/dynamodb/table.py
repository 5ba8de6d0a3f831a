"""A table of DynamoDB's in plain values: items are dictionaries of str, int, bytes, bool, sets of str or bytes, lists,
dicts.

In an expression `#name` stands for the attribute of that name, and `:name` for the value that is given by that name.
"""

import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from facesearch.errors import Throttled

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

ATTEMPTS = 6
"""With full jitter under a doubling ceiling from 50 ms: 1.6 s at most in all."""
GET_LIMIT = 100
WRITE_LIMIT = 25
TRANSACTION_LIMIT = 100

Item = dict[str, Any]
T = TypeVar("T")
D = TypeVar("D", bound="DataclassInstance")


@dataclass(eq=False)
class RefusedError(Exception):
    """A condition did not hold: of which write in a transaction, from 0, or what the item was that one has met."""

    position: int = 0
    item: Item = field(default_factory=dict, repr=False)


class Conflict(Throttled):
    """Another transaction was at one of the items."""


@dataclass(frozen=True)
class Write:
    operation: str
    """As transactions name it."""
    request: dict[str, Any]


def put(item: Item, condition: str = "", /, **values: Any) -> Write:
    """Put an item in the place of what is there; what is None in it is left out."""
    return Write("Put", {"Item": encode(item)} | _expressions(values, ConditionExpression=condition))


def update(key: Item, expression: str, condition: str = "", /, **values: Any) -> Write:
    expressions = _expressions(values, UpdateExpression=expression, ConditionExpression=condition)
    return Write("Update", {"Key": encode(key)} | expressions)


def replacing(
    key: Item, before: Item, after: Item, condition: str = "", expression: str = "", /, **values: Any
) -> Write:
    """Give an item the attributes `after`, if these are still as they were `before`; None stands for an absent one."""
    wanted = {name: value for name, value in after.items() if value is not None}
    gone = [f"#{name}" for name in after if name not in wanted]
    same = [f"#{name} = :was_{name}" for name, value in before.items() if value is not None]
    same += [f"attribute_not_exists(#{name})" for name, value in before.items() if value is None]
    change = f"SET {', '.join(f'#{name} = :{name}' for name in wanted)}"
    change += f" REMOVE {', '.join(gone)}" if gone else ""
    was = {f"was_{name}": value for name, value in before.items() if value is not None}
    conditions = " AND ".join(filter(None, [condition, *same]))
    return update(key, f"{change} {expression}".strip(), conditions, **wanted, **was, **values)


def delete(key: Item, condition: str = "", /, **values: Any) -> Write:
    return Write("Delete", {"Key": encode(key)} | _expressions(values, ConditionExpression=condition))


def check(key: Item, condition: str, /, **values: Any) -> Write:
    """Write nothing: for a transaction."""
    return Write("ConditionCheck", delete(key, condition, **values).request)


@dataclass(frozen=True)
class Table:
    """A table by its name, through a client of boto3's. All reads are strongly consistent unless they say otherwise."""

    client: Any
    name: str

    def get(self, key: Item, *, consistent: bool = True) -> Item | None:
        response = self.client.get_item(TableName=self.name, Key=encode(key), ConsistentRead=consistent)
        return decode(response["Item"]) if "Item" in response else None

    def query(
        self,
        begin: Item,
        sort: str = "",
        /,
        *,
        index: str = "",
        projection: str = "",
        backwards: bool = False,
        most: int | None = None,
        **values: Any,
    ) -> Iterator[Item]:
        """The items whose keys begin so and are as `sort` says, in their order; a page of 1 MB to a round trip."""
        values["pk"] = begin["pk"]
        if begin["sk"]:
            sort, values["begin"] = "begins_with(sk, :begin)", begin["sk"]
        pages = self.client.get_paginator("query").paginate(
            TableName=self.name,
            ConsistentRead=True,
            ScanIndexForward=not backwards,
            PaginationConfig={"MaxItems": most, "PageSize": most},
            **({"IndexName": index} if index else {}),
            **_expressions(
                values,
                KeyConditionExpression=f"pk = :pk AND {sort}" if sort else "pk = :pk",
                ProjectionExpression=projection,
            ),
        )
        for page in pages:
            yield from map(decode, page["Items"])

    def write(self, write: Write) -> bool:
        """Whether its condition held."""
        try:
            self.attempt(write)
        except RefusedError:
            return False
        return True

    def attempt(self, write: Write, returned: str = "NONE") -> Item:
        """Write. The attributes that are to be `returned`, in DynamoDB's terms.

        Raises:
            RefusedError: the condition did not hold for this item.
        """
        more = {"ReturnValues": returned} if returned != "NONE" else {}
        if "ConditionExpression" in write.request:
            more["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        try:
            response = getattr(self.client, f"{write.operation.lower()}_item")(
                TableName=self.name, **write.request, **more
            )
        except self.client.exceptions.ConditionalCheckFailedException as refused:
            raise RefusedError(item=decode(refused.response.get("Item", {}))) from None
        return decode(response.get("Attributes", {}))

    def transact(self, writes: Sequence[Write], attempts: int = ATTEMPTS) -> None:
        """All of the writes or none.

        Raises:
            RefusedError: a condition did not hold.
            Conflict: another transaction was at the same items, at every attempt; boto3 itself makes one.
            Throttled: there was no room for it, at every attempt.
        """
        items = [{write.operation: {"TableName": self.name} | write.request} for write in writes]
        for attempt in range(attempts):
            pause_before(attempt)
            try:
                self.client.transact_write_items(TransactItems=items)
            except Throttled:  # a cancellation, which botocore does not send again
                if attempt == attempts - 1:
                    raise
            except self.client.exceptions.TransactionCanceledException as error:
                codes = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
                if "ConditionalCheckFailed" in codes:
                    raise RefusedError(codes.index("ConditionalCheckFailed")) from None
                if "TransactionConflict" not in codes:
                    raise
            else:
                return
        raise Conflict("TransactWriteItems", "TransactionConflict")

    def batch_get(self, keys: Sequence[Item], *, consistent: bool = True) -> list[Item]:
        """The items that exist among `keys`, in no particular order; 100 to a round trip."""
        items: list[Item] = []
        for some in slices(map(encode, keys), GET_LIMIT):
            request = {self.name: {"Keys": some, "ConsistentRead": consistent}}
            for response in _rounds("BatchGetItem", self.client.batch_get_item, request, "UnprocessedKeys"):
                items.extend(map(decode, response["Responses"].get(self.name, [])))
        return items

    def batch_put(self, items: Iterable[Item]) -> None:
        """Put every item, in no particular order; not atomic."""
        self._batch_write({"PutRequest": {"Item": encode(item)}} for item in items)

    def batch_delete(self, items: Iterable[Item]) -> int:
        """Delete items, or what is there under keys, in no particular order; not atomic. How many were given."""
        keys = (encode({"pk": item["pk"], "sk": item["sk"]}) for item in items)
        return self._batch_write({"DeleteRequest": {"Key": key}} for key in keys)

    def _batch_write(self, requests: Iterable[Any]) -> int:
        written = 0
        for some in slices(requests, WRITE_LIMIT):
            for _ in _rounds("BatchWriteItem", self.client.batch_write_item, {self.name: some}, "UnprocessedItems"):
                continue
            written += len(some)
        return written


def encode(item: Mapping[str, Any]) -> Item:
    """An item, or a key, as the client wants it."""
    return {name: _typed(value) for name, value in item.items() if value is not None}


def decode(item: Mapping[str, Any]) -> Item:
    """Inverse of `encode`; a set comes back frozen."""
    return {name: _plain(value) for name, value in item.items()}


def record(cls: type[D], item: Item, **readers: Callable[[Any], Any]) -> D:
    """An object made of what an item has under the names of its fields; `readers` take what is stored as another type.
    What the item lacks is the field's default."""
    named = {name: value for name, value in item.items() if name in cls.__dataclass_fields__}
    return cls(**named | {name: read(named[name]) for name, read in readers.items() if name in named})


def _typed(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case set() | frozenset():
            return {"BS" if isinstance(next(iter(value)), bytes) else "SS": sorted(value)}
        case list() | tuple():
            return {"L": [_typed(each) for each in value]}
        case _:
            return {"M": encode(value)} if isinstance(value, dict) else {"S": value}


def _plain(typed: Mapping[str, Any]) -> Any:
    ((kind, value),) = typed.items()
    return _PLAIN[kind](value) if kind in _PLAIN else value


_PLAIN: dict[str, Any] = {
    "N": int,
    "B": bytes,
    "SS": frozenset,
    "BS": frozenset,
    "L": lambda values: [_plain(each) for each in values],
    "M": decode,
}


def _expressions(values: Mapping[str, Any], **expressions: str) -> dict[str, Any]:
    request: dict[str, Any] = {kind: expression for kind, expression in expressions.items() if expression}
    if names := set(re.findall(r"#\w+", " ".join(expressions.values()))):
        request["ExpressionAttributeNames"] = {name: name[1:] for name in names}
    if values:
        request["ExpressionAttributeValues"] = {f":{name}": _typed(value) for name, value in values.items()}
    return request


def _rounds(operation: str, call: Any, request: Any, unprocessed: str) -> Iterator[Any]:
    """The responses to a batch: what was left unprocessed is asked for again."""
    for attempt in range(ATTEMPTS):
        pause_before(attempt)
        response = call(RequestItems=request)
        yield response
        request = response.get(unprocessed)
        if not request:
            return
    raise Throttled(operation, "Unprocessed")


def pause_before(attempt: int) -> None:
    """Wait before a further attempt, counted from 0: with full jitter under a doubling ceiling from 50 ms."""
    if attempt:
        time.sleep(random.uniform(0, 0.05 * 2 ** (attempt - 1)))  # noqa: S311 - jitter, not a secret


def slices(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` of them, the last perhaps shorter."""
    iterator = iter(values)
    while some := list(islice(iterator, size)):
        yield some
