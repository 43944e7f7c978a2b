"""One module a topic. Importing a module registers its checks; every module here is imported with the board."""
