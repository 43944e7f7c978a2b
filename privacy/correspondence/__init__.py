"""What is written to people about their requests: rows first, mails second."""
