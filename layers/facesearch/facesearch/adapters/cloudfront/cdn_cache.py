"""Copies of deleted renditions leave the CDN."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from facesearch.deletion.stores import CdnCache

INVALIDATED_AT_ONCE = 1_000


@dataclass(frozen=True)
class CloudFrontCache(CdnCache):
    """A CloudFront distribution, where a rendition may be kept for a year; `cloudfront` is a boto3 client."""

    cloudfront: Any
    distribution_id: str

    @override
    def delete(self, paths: Sequence[str], *, wait: bool = False) -> None:
        """CloudFront has done so within minutes."""
        for start in range(0, len(paths), INVALIDATED_AT_ONCE):
            some = list(paths[start : start + INVALIDATED_AT_ONCE])
            batch = {"Paths": {"Quantity": len(some), "Items": some}, "CallerReference": str(uuid.uuid4())}
            made = self.cloudfront.create_invalidation(DistributionId=self.distribution_id, InvalidationBatch=batch)
            if wait:
                done = self.cloudfront.get_waiter("invalidation_completed")
                done.wait(DistributionId=self.distribution_id, Id=made["Invalidation"]["Id"])
