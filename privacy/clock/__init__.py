"""By when a request must be answered: pure functions of what happened, without a database and without today's date."""
