"""What may go wrong with a provider. Apart, so that who only asks for these does not load what checks signatures."""

from vidik.kernel.errors import Unavailable


class ProviderAway(Unavailable):
    """The provider does not answer, or not as a provider would; local accounts still sign in."""

    default_code = "provider-away"


class TokenRefused(Exception):
    """What a provider gave does not hold; the message is a word for the log and the audit record, never the token."""


class UnknownKey(TokenRefused):
    """The token was signed by a key that is not in the set; the provider may have changed its keys."""
