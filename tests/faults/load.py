"""A device that keeps counting over MQTT and remembers which numbers were acknowledged."""

import threading
import time
from types import TracebackType

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode


class CountingDevice:
    """Publishes 0, 1, 2 … with QoS 1 at a steady rate, through whatever happens to the other side.

    paho keeps what is not acknowledged and sends it again after it has connected anew.
    """

    def __init__(self, port: int, login: str, secret: str, *, device_id: str | None = None, rate: float = 200) -> None:
        self.device_id = device_id or login
        self.sent = 0
        self._rate = rate
        self._stopping = threading.Event()
        self._numbers: dict[int, int] = {}
        self._acknowledged: set[int] = set()  # by paho's message id: it may come before publish() has returned it
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"counting-{login}", protocol=mqtt.MQTTv311, clean_session=False
        )
        self._client.username_pw_set(login, secret)
        self._client.max_inflight_messages_set(200)
        self._client.max_queued_messages_set(0)
        self._client.reconnect_delay_set(1, 2)
        self._client.on_publish = self._on_publish
        self._client.connect_async("127.0.0.1", port, keepalive=20)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._publish, daemon=True)
        self._thread.start()

    def __enter__(self) -> "CountingDevice":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_sending()
        self._client.disconnect()
        self._client.loop_stop()

    def stop_sending(self) -> None:
        self._stopping.set()
        self._thread.join()

    @property
    def acknowledged(self) -> set[int]:
        """The numbers that the other side has acknowledged."""
        return {self._numbers[mid] for mid in self._acknowledged.copy() if mid in self._numbers}

    def all_acknowledged(self) -> bool:
        return len(self.acknowledged) == self.sent

    def _publish(self) -> None:
        start_ms = int(time.time() * 1000)
        while not self._stopping.is_set():
            number = self.sent
            payload = f'{{"t":{start_ms + number},"n":{number},"p":1.5}}'
            self._numbers[self._client.publish(f"devices/{self.device_id}/readings", payload, qos=1).mid] = number
            self.sent += 1
            time.sleep(1 / self._rate)

    def _on_publish(
        self, client: mqtt.Client, userdata: object, mid: int, reason: ReasonCode, properties: object
    ) -> None:
        self._acknowledged.add(mid)
