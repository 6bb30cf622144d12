"""The ledger: what was decided about each pilot, entered once and for good, and the sums over all of them."""
