"""Organisations and their face-search quotas."""

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.admin.table import TableAdmin, checked_name, now, random_id
from facesearch.adapters.dynamodb.quota import quota_from_item
from facesearch.admin.models import Organisation
from facesearch.errors import InvalidRequest, NotFound
from facesearch.models import QuotaLimits

MAX_PER_MINUTE, MAX_BURST = 600_000, 100_000


class OrgAdmin(TableAdmin):
    """The operator's use cases about organisations."""

    def create_org(self, name: str) -> int:
        """A new organisation under a number that says nothing about how many there are.

        Raises:
            InvalidRequest: the name is empty, too long, or not for one line.
        """
        name = checked_name(name)
        while True:
            org_id = random_id()
            item = schema.org_key(org_id) | {
                "org_id": schema.n(org_id),
                "name": schema.s(name),
                "keys": schema.n(0),
                "events": schema.n(0),
                "created_at": schema.s(now()),
            }
            if self._put_new(item):
                return org_id

    def org(self, org_id: int) -> Organisation:
        """The organisation as it is now.

        Raises:
            NotFound: no such organisation.
        """
        item = self._read(schema.org_key(org_id))
        if item is None:
            raise NotFound(f"There is no organisation {org_id}.")
        return Organisation(
            org_id=org_id,
            name=schema.text(item, "name"),
            keys=schema.number(item, "keys"),
            events=schema.number(item, "events"),
            quota=quota_from_item(self._read(schema.quota_key(org_id))).override,
        )

    def set_quota(self, org_id: int, limits: QuotaLimits | None) -> None:
        """Give the organisation limits of its own, or (None) the deployment's again; the next search sees it.

        The bucket is full then: what was taken from it under slower limits would refuse searches for as long as those
        need to fill it, up to 70 days under the slowest.

        Raises:
            NotFound: no such organisation.
            InvalidRequest: limits outside 1 to `MAX_PER_MINUTE` and 1 to `MAX_BURST`.
        """
        self.org(org_id)
        if limits is None:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=schema.quota_key(org_id),
                UpdateExpression="REMOVE per_minute, burst, full_at",
            )
            return
        if not (1 <= limits.per_minute <= MAX_PER_MINUTE and 1 <= limits.burst <= MAX_BURST):
            raise InvalidRequest(f"A quota is 1 to {MAX_PER_MINUTE} searches a minute, and 1 to {MAX_BURST} at once.")
        self._dynamodb.update_item(
            TableName=self._table,
            Key=schema.quota_key(org_id),
            UpdateExpression="SET per_minute = :per_minute, burst = :burst REMOVE full_at",
            ExpressionAttributeValues={":per_minute": schema.n(limits.per_minute), ":burst": schema.n(limits.burst)},
        )
