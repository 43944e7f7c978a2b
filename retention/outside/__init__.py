"""The erasure ledger: what was erased and what is held, written outside of the database that a backup would bring back.

It has what must outlive a restore, and knows nobody: a line names rows by keys that are never used twice, says what
was done, when and by which plan, and carries the digest of the entry before it. It belongs to one database, which keeps
the same lines, and the number and digest of its last one (the position), in the transaction of what they speak of. A
database that lags behind the ledger came from a backup; one that is not at the ledger's home is a copy.

Each act writes: an entry to the ledger (durably) · the same and the position to the database · COMMIT · a note to the
ledger that the entry is done. What a crash leaves at each boundary:

    before the entry            nothing anywhere; the work is done again
    in the middle of its line   the database rolled back; the piece is cut off before the next line is written
    after the entry             the database rolled back; PostgreSQL says so by the number of the transaction, and the
                                next act, or the minute's settling, notes that the entry is void
    after the COMMIT            both agree; the settling adds the note
    a database from a backup    knows the number as committed but has no such row, or not at all (another server or time
                                line): the gate stays shut until the entry has been carried out again
"""
