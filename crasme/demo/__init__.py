"""Demo data: seeded, realistic, in several languages, and rerunnable. For local starts, tests and benchmarks.

What could go wrong: demo people, and staff with a published password, in a database with real ones. The command refuses
a production start and a database whose accounts it did not make, and every demo address ends in `.example`, a name that
no mail server can have. A run that is cut off: each section is one transaction, or goes on where it stopped.
"""
