"""The public policy: rendered from live rows, published as frozen text, compared between the two."""
