"""The file that a person gets: what is in it, how it is written, and how it lies on the disk."""
