"""The OpenAPI document, generated from the models that the functions read requests and write responses with."""

from tools.openapi.document import FILE, document, text

__all__ = ["FILE", "document", "text"]
