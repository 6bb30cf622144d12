"""How Hypothesis runs here: the machine is shared, so no single example has a deadline."""

from hypothesis import settings

settings.register_profile("shared", deadline=None)
settings.load_profile("shared")
