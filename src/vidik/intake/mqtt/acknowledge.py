"""Messages that wait for their commit, acknowledged in the order in which they came.

Acknowledgements must leave in the order of arrival [MQTT-4.6.0-2] while commits may report in any. A linked list, so
that a connection with nothing under way holds no container.
"""

from __future__ import annotations

from typing import Final, Protocol

from vidik.intake.mqtt import codec
from vidik.intake.mqtt.counters import Counters
from vidik.intake.mqtt.ports import Outcome
from vidik.intake.mqtt.wire import Reason

WAITING: Final = -1
GIVEN_UP: Final = -2

_ANSWERS: Final = {
    Outcome.ACCEPTED: int(Reason.SUCCESS),
    Outcome.REJECTED: int(Reason.PAYLOAD_FORMAT_INVALID),
    Outcome.FAILED: GIVEN_UP,
}


class Acknowledger(Protocol):
    """The connection on which the messages came."""

    def send(self, data: bytes) -> None:
        """Have bytes written soon."""

    def give_up(self) -> None:
        """A message could not be stored: acknowledge nothing more and part."""


class Unacknowledged:
    """A QoS 1 message on its way to the disk; it is its own `done` callback."""

    __slots__ = ("answer", "following", "packet_id", "size", "window")

    def __init__(self, window: AcknowledgeWindow, packet_id: int, size: int, answer: int) -> None:
        self.window = window
        self.packet_id = packet_id
        self.size = size
        self.answer = answer
        self.following: Unacknowledged | None = None

    def __call__(self, outcome: Outcome) -> None:
        self.answer = _ANSWERS[outcome]
        window = self.window
        window.counters.unacknowledged -= 1
        if window.oldest is self:
            window.settle()


class AcknowledgeWindow:
    """The unacknowledged messages of one connection: `count` of them with `size` bytes of payload.

    An acknowledgement belongs to the connection on which its message came: after `drop` none is sent, because on the
    next connection the same packet identifier may stand for another message.
    """

    __slots__ = ("count", "counters", "newest", "oldest", "owner", "size", "with_reasons")

    def __init__(self, owner: Acknowledger, counters: Counters) -> None:
        self.owner = owner
        self.counters = counters
        self.with_reasons = False
        self.oldest: Unacknowledged | None = None
        self.newest: Unacknowledged | None = None
        self.count = 0
        self.size = 0

    def wait(self, packet_id: int, size: int) -> Unacknowledged:
        """Queue a message that goes to the pipeline; the result is its `done` callback."""
        self.counters.unacknowledged += 1
        return self._append(packet_id, size, WAITING)

    def answer(self, packet_id: int, reason: Reason) -> None:
        """Queue a message that is answered without the pipeline."""
        waiting = self._append(packet_id, 0, reason)
        if self.oldest is waiting:
            self.settle()

    def _append(self, packet_id: int, size: int, answer: int) -> Unacknowledged:
        waiting = Unacknowledged(self, packet_id, size, answer)
        if self.newest is None:
            self.oldest = waiting
        else:
            self.newest.following = waiting
        self.newest = waiting
        self.count += 1
        self.size += size
        return waiting

    def settle(self) -> None:
        """Acknowledge from the oldest message on, as far as the answers are known."""
        counters, owner = self.counters, self.owner
        waiting = self.oldest
        while waiting is not None and waiting.answer != WAITING:
            answer = waiting.answer
            if answer == GIVEN_UP:
                counters.failed += 1
                self.drop()
                owner.give_up()
                return
            if answer == 0:
                counters.acknowledged += 1
                owner.send(codec.encode_puback(waiting.packet_id))
            else:
                counters.dead_lettered += answer == Reason.PAYLOAD_FORMAT_INVALID
                owner.send(codec.encode_puback(waiting.packet_id, answer if self.with_reasons else 0))
            self.count -= 1
            self.size -= waiting.size
            waiting = waiting.following
        self.oldest = waiting
        if waiting is None:
            self.newest = None

    def drop(self) -> None:
        """Forget what is waiting: the connection is gone."""
        self.oldest = self.newest = None
        self.count = self.size = 0
