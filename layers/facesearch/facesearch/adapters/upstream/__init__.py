"""The `upstream` engine: an API that speaks this contract searches, and this deployment is a caching, idempotent front
for it (docs/operating/engines.md)."""
