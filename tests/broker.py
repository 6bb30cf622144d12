"""The city's own broker as a process: Mosquitto with the configuration that we ship."""

import re
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.family import free_port

CERTIFICATE = (
    *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
    *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
)
MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
"""What `scripts/bootstrap test` installs: Debian keeps it where an ordinary user does not look."""
SHIPPED = Path(__file__).resolve().parents[1] / "deploy" / "mosquitto"


def mosquitto(configuration: Path) -> subprocess.Popen[bytes]:
    """Run Mosquitto with a configuration."""
    return subprocess.Popen([MOSQUITTO, "-c", str(configuration)], stderr=subprocess.DEVNULL)


@dataclass
class Broker:
    """Mosquitto with the shipped configuration; only the paths and the ports are the test's.

    Devices come in by `port`, Vidik by TLS, as the configuration asks for: `url`.
    """

    folder: Path
    port: int
    devices: tuple[str, ...] = ("counter",)
    tls_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What VIDIK_MQTT_URL must be."""
        return f"mqtts://vidik:secret@127.0.0.1:{self.tls_port}?ca={self.folder}/vidik.pem"

    def prepare(self) -> None:
        self.folder.mkdir(parents=True)
        files = ("-keyout", "vidik.key", "-out", "vidik.pem")
        subprocess.run([*CERTIFICATE, *files], cwd=self.folder, check=True, capture_output=True)
        (self.folder / "vidik.key").chmod(0o644)  # Mosquitto started by root reads it as another user
        passwords = self.folder / "passwd"
        passwords.touch()
        for login in ("vidik", *self.devices):
            subprocess.run(["mosquitto_passwd", "-b", str(passwords), login, "secret"], check=True, capture_output=True)
        passwords.chmod(0o644)
        shutil.copy(SHIPPED / "vidik.acl", self.folder / "acl")
        (self.folder / "acl").chmod(0o644)
        text = (SHIPPED / "vidik.conf").read_text()
        text = text.replace("/etc/mosquitto/vidik.passwd", str(passwords))
        text = text.replace("/etc/mosquitto/vidik.acl", str(self.folder / "acl"))
        text = text.replace("/etc/mosquitto/certs/", f"{self.folder}/")
        text = text.replace("listener 1883 0.0.0.0", f"listener {self.port} 127.0.0.1")
        text = text.replace("listener 8883 0.0.0.0", f"listener {self.tls_port} 127.0.0.1")
        text = re.sub(r"^persistence_location .*$", f"persistence_location {self.folder}/", text, flags=re.MULTILINE)
        text = re.sub(r"^log_dest .*$", f"log_dest file {self.folder}/log", text, flags=re.MULTILINE)
        text = re.sub(r"^user .*$", "", text, flags=re.MULTILINE)
        (self.folder / "mosquitto.conf").write_text(text)
        self.folder.chmod(0o777)

    def trust_everybody(self) -> None:
        """Let any login publish for any device, for measurements that have thousands of devices."""
        with (self.folder / "acl").open("a") as acl:
            acl.write("\nuser vidik\ntopic readwrite #\n")
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def start(self) -> None:
        self.process = mosquitto(self.folder / "mosquitto.conf")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
