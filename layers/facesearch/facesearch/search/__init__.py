"""One face search per `request_id`: the flow, its idempotency, its quota, its selfies."""
