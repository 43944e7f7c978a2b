"""Demo data: seeded, realistic, in several languages, and rerunnable. For local starts, tests and benchmarks.

What could go wrong: demo people in a database with real ones. The command refuses a production start, and every demo
address ends in `.example`, a name that no mail server can have.
"""
