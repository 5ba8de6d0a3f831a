"""Which model's faces an event is searched by, and which it is going over to."""

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.admin.table import TableAdmin
from facesearch.models import FIRST_MODEL, Event


class ModelAdmin(TableAdmin):
    """What re-indexing does to events."""

    def change_models(self, before: Event, after: Event) -> bool:
        """Change an event's models from those of `before` to those of `after`, in one write; False if they are others
        by now, or the event is gone or being deleted.

        A search that began with another model stores no result, as if something had been deleted (see `store.results`).
        """
        sets, removes, conditions = [], [], ["attribute_exists(pk)", "attribute_not_exists(closing)"]
        values: schema.Key = {}
        for name in ("model", "next_model", "previous_model"):
            was, wanted = getattr(before, name), getattr(after, name)
            same = f"#{name} = :was_{name}"
            if was:
                values[f":was_{name}"] = schema.s(was)
            absent = f"attribute_not_exists(#{name})"
            if name == "model" and was == FIRST_MODEL:
                conditions.append(f"({absent} OR {same})")
            else:
                conditions.append(same if was else absent)
            if wanted:
                values[f":{name}"] = schema.s(wanted)
                sets.append(f"#{name} = :{name}")
            else:
                removes.append(f"#{name}")
        update = f"SET {', '.join(sets)}"
        if removes:
            update += f" REMOVE {', '.join(removes)}"
        if before.model != after.model:
            update += " ADD erasures :one"
            values[":one"] = schema.n(1)
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=schema.event_key(before.event_id),
                UpdateExpression=update,
                ConditionExpression=" AND ".join(conditions),
                ExpressionAttributeNames={f"#{name}": name for name in ("model", "next_model", "previous_model")},
                ExpressionAttributeValues=values,
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True
