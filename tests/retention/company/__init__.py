"""Somebody else's app: ordinary models, and a datamap.py. Nothing in it knows of retention."""
