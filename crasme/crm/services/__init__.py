"""What can be done with accounts and connected services; the admin, the API and the rooms above call these."""
