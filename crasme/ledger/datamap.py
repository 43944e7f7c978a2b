from crasme.kit.datamap import NoPeople

TABLES = [
    NoPeople("ledger.Entry", why="Keyed hashes, counts and digests only; the key is destroyed with the evidence."),
]
