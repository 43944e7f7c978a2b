"""Carrying rules out: one run a rule and UTC day, in batches that each commit their rows together with their evidence.

Where the transactions begin and end, and what a crash leaves at each boundary:

    the run is written, with its cut-off      nothing deleted; the next tick goes on with the stored cut-off
    a batch of rows, its counts and digest    all of it or nothing; the next tick finds the rest by the same condition
    a partition: held rows carried to their   all of it or nothing: PostgreSQL drops tables in transactions too
      shelf, counted, digested, dropped
    a backup's file                           may be gone while its row still says "expired": the next tick sees that it
                                              is gone and says so; a file that is still there is deleted again
    the run is done, with its ledger entry    both or neither; without them the next tick finds no rows left and ends it

A session's advisory lock keeps a rule to one worker; it vanishes with the connection of a worker that was killed.
`reached` is called at every boundary with its name: progress for whoever watches, and where tests pull the plug.
"""
