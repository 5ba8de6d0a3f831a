"""KMS behind the ports."""
