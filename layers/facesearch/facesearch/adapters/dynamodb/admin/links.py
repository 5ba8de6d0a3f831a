"""Links to guests' pages: an item in the list of all links, and the token's own. Both change together."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from typing_extensions import override

from facesearch.adapters.dynamodb import schema
from facesearch.adapters.dynamodb.admin.events import NOT_CLOSING
from facesearch.adapters.dynamodb.admin.orgs import OrgAdmin
from facesearch.adapters.dynamodb.table import Item, RefusedError, Table, check, delete, put, record
from facesearch.adapters.dynamodb.tokens import item_of_token
from facesearch.admin.links import LINKS_PER_ORG, GuestLink, LinkStore
from facesearch.errors import InvalidRequest, NotFound
from facesearch.models import QuotaLimits


@dataclass(frozen=True)
class DynamoLinkStore(LinkStore):
    table: Table

    @override
    def add(self, link: GuestLink) -> None:
        count = OrgAdmin._count(link.org_id, "links", 1, LINKS_PER_ORG)
        event = check(schema.event_key(link.event_id), f"attribute_exists(pk) AND {NOT_CLOSING}")
        try:
            self.table.transact([count, event, put(_item(link)), put(item_of_token(link.digest, link.key))])
        except RefusedError as refused:
            if refused.position:
                raise NotFound(f"There is no event {link.event_id}.") from None
            raise InvalidRequest(
                f"Organisation {link.org_id} has {LINKS_PER_ORG} links, the most it may have. Switch one off first."
            ) from None

    @override
    def replace(self, before: GuestLink, after: GuestLink) -> bool:
        writes = [put(_item(after), "#digest = :was AND #off = :no", was=before.digest, no=False)]
        if after.digest != before.digest:
            writes.append(delete(schema.api_key_key(before.digest)))
        try:
            self.table.transact([*writes, put(item_of_token(after.digest, after.key))])
        except RefusedError:
            return False
        return True

    @override
    def switch_off(self, link: GuestLink) -> bool:
        off = put(_item(replace(link, off=True)), "#digest = :was AND #off = :no", was=link.digest, no=False)
        count = OrgAdmin._count(link.org_id, "links", -1)
        try:
            self.table.transact([off, delete(schema.api_key_key(link.digest)), count])
        except RefusedError:
            return False
        return True

    @override
    def delete(self, link: GuestLink) -> None:
        gone = delete(_key(link), "#off = :off AND #digest = :digest", off=link.off, digest=link.digest)
        writes = [gone, delete(schema.api_key_key(link.digest))]
        if not link.off:
            writes.append(OrgAdmin._count(link.org_id, "links", -1))
        with suppress(RefusedError):  # changed by somebody else meanwhile: the next look finds what is left
            self.table.transact(writes)

    @override
    def links(self, org_id: int | None = None, event_id: int | None = None) -> Iterator[GuestLink]:
        place = "".join(f"{each}#" for each in (org_id, event_id) if each is not None)
        for item in self.table.query(schema.link_key(place)):
            quota = QuotaLimits(item["per_minute"], item["burst"])
            yield record(GuestLink, item | {"quota": quota, "origins": tuple(item["origins"])})


def _key(link: GuestLink) -> Item:
    return schema.link_key(f"{link.org_id}#{link.event_id}#{link.link_id}")


def _item(link: GuestLink) -> Item:
    said = asdict(link) | asdict(link.quota) | {"origins": list(link.origins)}
    del said["quota"]
    return _key(link) | said
