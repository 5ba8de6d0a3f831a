"""Race bibs: reading them in photos, and which of them count."""
