"""How an answer that is complete leaves in one message, where the server offers it."""

from typing import Final

WHOLE_ANSWER: Final = "vidik.whole_answer"
"""An ASGI extension and its message: status, headers and body of an answer at once.

The standard has two messages for it, and each layer looks at both.
"""
