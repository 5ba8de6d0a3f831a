"""DynamoDB behind the ports: one table for keys, events, photos and results."""
