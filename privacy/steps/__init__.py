"""The work behind a request: which steps there are, in which order, who does them and what happens when they fail."""
