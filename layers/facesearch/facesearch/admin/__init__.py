"""What the operator manages: organisations, API keys, events, webhook secrets."""
