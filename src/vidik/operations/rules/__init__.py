"""Rules: what they may say, which of them stand, and how they read the readings."""
