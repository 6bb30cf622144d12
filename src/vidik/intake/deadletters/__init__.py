"""Dead letters: what was refused is kept, counted, shown and can be replayed."""

from vidik.intake.deadletters.letters import PAYLOAD_LIMIT, Letter, Refusal, count, store

__all__ = ["PAYLOAD_LIMIT", "Letter", "Refusal", "count", "store"]
