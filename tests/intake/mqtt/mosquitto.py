"""A real Mosquitto with the configuration that we ship; only its port, its folder and its logins are the test's."""

import asyncio
import getpass
import re
import subprocess
from pathlib import Path

from tests.broker import MOSQUITTO, SHIPPED

PASSWORD = "s3cret"
LOGINS = ("vidik", "lamp-1", "lamp-2")


class Mosquitto:
    """Start, kill, start again: the folder with its memory stays."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self._configuration = folder / "mosquitto.conf"
        self._process: asyncio.subprocess.Process | None = None
        passwords = folder / "vidik.passwd"
        passwords.write_text("".join(f"{login}:{PASSWORD}\n" for login in LOGINS))
        subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True, capture_output=True)
        (folder / "vidik.acl").write_text((SHIPPED / "vidik.acl").read_text())
        text = (SHIPPED / "vidik.conf").read_text()
        text = text.replace("listener 1883 0.0.0.0", f"listener {port} 127.0.0.1")
        text = re.sub(r"(?m)^(listener 8883|certfile|keyfile|tls_version) .*$", "", text)  # here plain is enough
        text = text.replace("/etc/mosquitto/vidik.", f"{folder}/vidik.").replace("/var/lib/mosquitto/", f"{folder}/")
        # Started by root it would drop to a user that cannot write the test's folder.
        self._configuration.write_text(f"{text}\nuser {getpass.getuser()}\n")

    def changed(self, setting: str, value: str) -> None:
        """Change one line of the shipped configuration."""
        text = self._configuration.read_text()
        self._configuration.write_text(re.sub(rf"(?m)^{setting} .*$", f"{setting} {value}", text))

    async def start(self) -> None:
        """Start, and return when it answers."""
        self._process = await asyncio.create_subprocess_exec(
            MOSQUITTO, "-c", str(self._configuration), stderr=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(60):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                    continue
                writer.close()
                await writer.wait_closed()
                return

    async def kill(self) -> None:
        """kill -9."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
