"""Which services to pilot: seven candidates as data, ranked with all that is not known about them."""

from vidik.pilots.candidates.assumptions import Assumptions, Candidate, register
from vidik.pilots.candidates.ranking import Change, Ranking, ServiceRank, TripleRank, rank

__all__ = ["Assumptions", "Candidate", "Change", "Ranking", "ServiceRank", "TripleRank", "rank", "register"]
