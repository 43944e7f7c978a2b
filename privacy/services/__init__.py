"""Verbs of this room. Each takes `now` (aware, UTC) and, where somebody decides, `actor`; each is one transaction."""
