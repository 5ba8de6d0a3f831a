"""HTTP in and out: what every route and every queue handler does around its use case."""
