"""Deletion: of photos, of a person, of an event, of an event's faces on their last day. Each gives a receipt that has
counted again, and each can be repeated after a crash at any point."""
