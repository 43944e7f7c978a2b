"""A made-up app of a company that declared its tables carelessly: one mistake a model (test_datamap.py)."""
