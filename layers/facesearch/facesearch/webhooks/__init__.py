"""Searches that are asked for by signed webhooks and run on their own."""
