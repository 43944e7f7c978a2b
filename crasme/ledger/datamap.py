from crasme.kit.datamap import NoPeople

TABLES = [
    NoPeople("ledger.Entry", why="Keyed hashes, counts and digests only; the key is destroyed with the evidence."),
    NoPeople("ledger.Seal", why="A number of entries, the root of their digests and a signature."),
    NoPeople("ledger.Leaf", why="Where an entry stands in its seal."),
]
