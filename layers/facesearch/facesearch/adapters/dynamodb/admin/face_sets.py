"""Which face sets an event has."""

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.admin.table import TableAdmin
from facesearch.errors import Throttled
from facesearch.faces.sets import EventFaceSets
from facesearch.models import Event

NAMES = ("faces", "building", "leaving", "vector_table", "face_shards", "vector_models")


class FaceSetAdmin(TableAdmin, EventFaceSets):
    """What a rebuild does to events."""

    @override
    def change_face_sets(self, before: Event, after: Event) -> bool:
        was, wanted = face_sets_of(before), face_sets_of(after)
        gone = [f"#{name}" for name in NAMES if name not in wanted]
        update = "SET " + ", ".join(f"#{name} = :{name}" for name in wanted)
        update += f" REMOVE {', '.join(gone)}" if gone else ""
        values = {f":was_{name}": value for name, value in was.items()}
        values |= {f":{name}": value for name, value in wanted.items()}
        if before.faces != after.faces:
            update += " ADD erasures :one"
            values[":one"] = schema.n(1)
        same = [f"#{name} = :was_{name}" if name in was else f"attribute_not_exists(#{name})" for name in NAMES]
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=schema.event_key(before.event_id),
                UpdateExpression=update,
                ConditionExpression=" AND ".join(["attribute_not_exists(closing)", *same]),
                ExpressionAttributeNames={f"#{name}": name for name in NAMES},
                ExpressionAttributeValues=values,
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        except Throttled as error:  # a settings change is at the same event
            if error.code != "TransactionConflictException":
                raise
            return False
        return True


def face_sets_of(event: Event) -> "schema.Key":
    """The attributes that say which face sets an event has; what it has not is absent."""
    sets = {"faces": event.faces, "building": event.building, "leaving": event.leaving}
    named = {name: schema.s(str(face_set)) for name, face_set in sets.items() if face_set is not None}
    if event.vector_table:
        named |= {"vector_table": schema.s(event.vector_table), "face_shards": schema.n(event.face_shards)}
    if event.vector_models:
        named["vector_models"] = {"SS": sorted(event.vector_models)}
    return named
