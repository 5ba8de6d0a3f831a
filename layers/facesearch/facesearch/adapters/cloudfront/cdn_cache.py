"""Copies of deleted renditions leave the CDN."""

import uuid
from collections.abc import Sequence
from typing import Any

from typing_extensions import override

from facesearch.deletion.stores import CdnCache

INVALIDATED_AT_ONCE = 1_000


class CloudFrontCache(CdnCache):
    """A CloudFront distribution, where a rendition may be kept for a year."""

    def __init__(self, cloudfront: Any, distribution_id: str) -> None:
        """Take a boto3 client."""
        self._cloudfront = cloudfront
        self._distribution = distribution_id

    @override
    def delete(self, paths: Sequence[str]) -> None:
        """CloudFront has done so within minutes."""
        for start in range(0, len(paths), INVALIDATED_AT_ONCE):
            some = list(paths[start : start + INVALIDATED_AT_ONCE])
            batch = {"Paths": {"Quantity": len(some), "Items": some}, "CallerReference": str(uuid.uuid4())}
            self._cloudfront.create_invalidation(DistributionId=self._distribution, InvalidationBatch=batch)
