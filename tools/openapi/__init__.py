"""The OpenAPI document, generated from the models that the functions answer with and read their calls with."""

from tools.openapi.document import FILE, document, text

__all__ = ["FILE", "document", "text"]
