"""The desk of the privacy team. Importing the modules registers their pages."""
