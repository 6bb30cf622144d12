"""How notifications leave this process: by the scheme of the endpoint's address."""

from __future__ import annotations

from typing import Final

from vidik.context.subscriptions.http_sender import Answer, HttpSender
from vidik.context.subscriptions.model import Endpoint
from vidik.context.subscriptions.mqtt_sender import BrokerRefused, MqttSender
from vidik.context.subscriptions.notification import Message
from vidik.kernel.services import Services

_TAKEN: Final = Answer(200)
_REFUSED: Final = Answer(403)


class Senders:
    """The senders of every scheme, with their open connections. One a process."""

    def __init__(self, *, allow_private: bool) -> None:
        self._http = HttpSender(allow_private=allow_private)
        self._mqtt = MqttSender(allow_private=allow_private)

    @classmethod
    def of(cls, services: Services) -> Senders:
        """The senders of this process; made at the first request."""
        if not services.has(cls):
            services.put(cls(allow_private=services.settings.allow_private_endpoints))
        return services.get(cls)

    async def send(self, endpoint: Endpoint, message: Message) -> Answer:
        """Send one notification; returns the answer, with 200 and 403 for what an MQTT broker has taken or refused.

        Raises OSError (also TimeoutError) when nobody takes it, ValueError for a name that cannot be looked up.
        """
        if endpoint.address.scheme in ("mqtt", "mqtts"):
            try:
                await self._mqtt.send(endpoint, message)
            except BrokerRefused:
                # It is there, and refuses this login, topic or size: others that lead to it go on meanwhile.
                return _REFUSED
            return _TAKEN
        return await self._http.send(endpoint, message)

    def sweep(self) -> None:
        """Close connections that nobody used for a while."""
        self._http.sweep()
        self._mqtt.sweep()

    def close(self) -> None:
        """Close every connection."""
        self._http.close()
        self._mqtt.close()
