"""A made-up app of a company that wrote one `datamap.py` over its own models, and nothing more (test_datamap.py)."""
