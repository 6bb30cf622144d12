"""Messages to people through a real mail server and a real gateway; the clock is stepped by data."""

import base64
import email
import email.policy
import logging
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from tests.operations.duty.calling import Gateway, a_plan, acknowledge, an_alarm, asked, connect, gateway, tick

from vidik.kernel.services import Services
from vidik.operations import web_push
from vidik.operations.duty import channels, roster
from vidik.operations.duty.sending import LEASE, send_due

# apprise loads what the standard library has deprecated; nothing of ours uses it.
pytestmark = pytest.mark.filterwarnings("ignore:.*imghdr:DeprecationWarning")
NIGHT = datetime(2026, 11, 22, 1, tzinfo=UTC)


@pytest.fixture
def sms() -> Iterator[Gateway]:
    with gateway() as found:
        yield found


class MailServer:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  (aiosmtpd's name)
        self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


async def run(services: Services, begin: datetime, length: timedelta, step: timedelta = timedelta(seconds=15)) -> None:
    """The worker's seconds between two moments, a few of them."""
    at = begin
    while at <= begin + length:
        await tick(services.database, at)
        await send_due(services, "city", at)
        at += step


class TestSendDue:
    async def test_a_provider_that_is_down_for_an_hour_loses_nothing_and_doubles_nothing(
        self, services: Services, sms: Gateway
    ) -> None:
        connect(services.settings, sms)
        await a_plan(services.database, NIGHT, rounds=1, after_minutes=0)
        sms.down = True
        await an_alarm(services.database, NIGHT)
        await run(services, NIGHT, timedelta(minutes=59))
        assert await asked(services.database) == [("ana", "sms", "failed"), ("bora", "sms", "failed")]
        assert sms.taken == {}
        assert len(sms.attempts) < 30  # ever later, not each second
        sms.down = False
        await run(services, NIGHT + timedelta(hours=1), timedelta(minutes=30))
        assert await asked(services.database) == [("ana", "sms", "sent"), ("bora", "sms", "sent")]
        assert len(sms.taken) == 2
        texts = {body["to"]: body for body in sms.taken.values()}
        assert texts["+381603"]["title"] == "Kritičan alarm: Podstanica Čair"
        assert texts["+381603"]["message"].startswith("Povrat 61 °C.")

    async def test_a_kill_before_the_answer_was_noted_repeats_the_same_key(
        self, services: Services, sms: Gateway
    ) -> None:
        connect(services.settings, sms)
        await a_plan(services.database, NIGHT, rounds=1, after_minutes=0)
        await an_alarm(services.database, NIGHT)
        await tick(services.database, NIGHT)
        sms.loses_answers = True  # it took the message, and we do not know
        await send_due(services, "city", NIGHT)
        sms.loses_answers = False
        await send_due(services, "city", NIGHT + timedelta(minutes=1))
        assert len(sms.attempts) == 2
        assert len(set(sms.attempts)) == 1

    async def test_what_another_worker_has_claimed_waits_for_its_lease(self, services: Services, sms: Gateway) -> None:
        connect(services.settings, sms)
        await a_plan(services.database, NIGHT, rounds=1, after_minutes=0)
        await an_alarm(services.database, NIGHT)
        await tick(services.database, NIGHT)
        async with services.database.transaction("city") as connection:
            await connection.execute("UPDATE notice SET due_at = %s, attempts = 1", [NIGHT + LEASE])  # claimed, killed
        assert await send_due(services, "city", NIGHT) == 0
        assert await send_due(services, "city", NIGHT + LEASE) == 1
        assert await asked(services.database) == [("ana", "sms", "sent")]

    async def test_answered_messages_are_acknowledged(self, services: Services, sms: Gateway) -> None:
        connect(services.settings, sms)
        await a_plan(services.database, NIGHT, rounds=1, after_minutes=0)
        alarm = await an_alarm(services.database, NIGHT)
        await run(services, NIGHT, timedelta(seconds=30))
        await acknowledge(services.database, alarm, NIGHT + timedelta(minutes=1))
        await run(services, NIGHT + timedelta(minutes=2), timedelta(minutes=30), timedelta(minutes=1))
        assert await asked(services.database) == [("ana", "sms", "acknowledged")]

    async def test_is_given_up_after_a_day(self, services: Services) -> None:
        await a_plan(services.database, NIGHT, rounds=1, after_minutes=0)
        await an_alarm(services.database, NIGHT)
        await run(services, NIGHT, timedelta(minutes=1))
        await run(services, NIGHT + timedelta(hours=23), timedelta(hours=2), timedelta(minutes=10))
        assert ("ana", "sms", "given_up") in await asked(services.database)


async def test_mail_goes_through_a_real_server(services: Services, caplog: pytest.LogCaptureFixture) -> None:
    kept = MailServer()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(kept, hostname="127.0.0.1", port=port)
    server.start()
    try:
        channel = channels.Channel(
            "mail", "Пошта", "mail", f"mailto://127.0.0.1:{port}?from=vidik@nis.rs&to={{address}}"
        )
        with caplog.at_level(logging.DEBUG):
            taken = await channels.send(channel, "ana+duty@nis.rs", "Аларм: Чаир", "Поврат 61 °C.\n<b>&", "key-1")
    finally:
        server.stop()
    assert taken
    (message,) = kept.messages
    assert message["Idempotency-Key"] == "key-1"
    assert message["Subject"] == "Аларм: Чаир"
    assert "Поврат 61 °C." in message.get_body(("plain",)).get_content()
    assert not [one for one in caplog.records if one.name != "mail.log" and "nis.rs" in one.getMessage()]


class TestChannels:
    def test_are_kept_where_only_our_own_user_reads_them(self, services: Services) -> None:
        secret = "json://city:geheim-7@gateway.example/sms"
        channels.write(services.settings, channels.Channel("sms", "SMS", "sms", secret))
        path = services.settings.data / "channels" / "channels.json"
        assert path.stat().st_mode & 0o777 == 0o600
        channel = channels.read(services.settings)["sms"]
        assert channel.url == secret
        assert "geheim" not in repr(channel)
        assert channels.forget(services.settings, "sms")
        assert channels.read(services.settings) == {}

    @pytest.mark.parametrize("url", ["nonsense", "syslog://", "file:///etc/passwd", "dbus://"])
    def test_what_leads_to_no_person_is_refused(self, url: str) -> None:
        with pytest.raises(Exception, match="no address that apprise knows") as refused:
            channels.provider_of(url)
        assert url not in str(refused.value)


async def test_web_push_is_encrypted_for_the_browser_alone(services: Services) -> None:
    import http_ece
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    browser = ec.generate_private_key(ec.SECP256R1())
    point = browser.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    subscription = {
        "endpoint": "https://push.example/1",
        "p256dh": base64.urlsafe_b64encode(point).rstrip(b"=").decode(),
        "auth": base64.urlsafe_b64encode(b"0123456789abcdef").rstrip(b"=").decode(),
    }
    web_push.check_subscription(**subscription, settings=services.settings)
    message = web_push.compose(services.settings, subscription, {"title": "Аларм"}, "topic-1", 60)
    plain = http_ece.decrypt(message.body, private_key=browser, auth_secret=b"0123456789abcdef", version="aes128gcm")
    assert plain.decode() == '{"title":"Аларм"}'
    assert message.headers["Authorization"].startswith("vapid t=")
    assert message.headers["Authorization"].endswith(f"k={web_push.public_key(services.settings)}")
    assert web_push.key_file(services.settings).stat().st_mode & 0o777 == 0o600


async def test_a_browser_that_is_gone_is_forgotten(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(*_: Any) -> web_push.Outcome:
        return "gone"

    monkeypatch.setattr(web_push, "deliver", gone)
    monkeypatch.setattr(web_push, "compose", lambda *_: None)
    await a_plan(
        services.database, NIGHT, rounds=1, after_minutes=0, steps=[{"person": "ana", "channels": ["web-push"]}]
    )
    async with services.database.transaction("city") as connection:
        await roster.write_browser(connection, "ana", "https://push.example/1", "p", "a", NIGHT)
    await an_alarm(services.database, NIGHT)
    await run(services, NIGHT, timedelta(0))
    async with services.database.session("city") as connection:
        assert await roster.browsers(connection, "ana") == []
    assert await asked(services.database) == [("ana", "web-push", "failed")]
