"""Settings of one installation, read from the environment (`VIDIK_*`)."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

PREFIX: Final = "VIDIK_"


def default_data_folder() -> Path:
    """The folder that holds everything an installation must keep: /var/lib/vidik for root, the XDG one otherwise."""
    if os.geteuid() == 0:
        return Path("/var/lib/vidik")
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "vidik"


class Settings(BaseModel):
    """One installation's settings; every field is an environment variable with the prefix `VIDIK_`.

    What is given stands before the environment. Raises pydantic.ValidationError for a value that is none.
    """

    # Not pydantic-settings: reading its sources (command lines, dotenv, clouds) took 0.1 s in each of five processes.
    model_config = ConfigDict(frozen=True, extra="ignore")

    def __init__(self, **given: Any) -> None:
        super().__init__(**(_environment() | given))

    data: Path = Field(default_factory=default_data_folder, description="Folder of the database, logs and files.")
    host: str = Field("127.0.0.1", description="Address that the web door and the MQTT door listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port of the web door.")
    public_url: str | None = Field(
        None, description="Address that people use, when a proxy stands in front; an https one makes cookies secure."
    )
    mqtt_port: int = Field(1883, ge=0, le=65535, description="Port of the built-in MQTT listener; 0 turns it off.")
    mqtt_tls_port: int | None = Field(None, description="Port of the MQTT listener with TLS.")
    mqtt_certificate: Path | None = Field(None, description="Certificate chain (PEM) for MQTT over TLS.")
    mqtt_key: Path | None = Field(None, description="Private key (PEM) for MQTT over TLS.")
    mqtt_url: SecretStr | None = Field(None, description="The city's own broker, mqtt(s)://user:password@host:port.")
    database_url: SecretStr | None = Field(
        None, description="The city's own PostgreSQL; leave empty for the embedded server."
    )
    city: str = Field("nis", description="Code of the city: its name, centre and base map.")
    tenant: str = Field("city", pattern=r"^[a-z0-9_]{1,40}$", description="Name of the tenant that is the city itself.")
    sign_in: Path | None = Field(
        None, description="YAML file that says which OpenID Connect provider the people of each tenant sign in with."
    )
    recordings: Path | None = Field(None, description="Folder of real recordings that the demo replays.")
    log_format: Literal["console", "json"] = Field("console", description="How logs are written.")
    metrics_public: bool = Field(True, description="Whether /metrics answers without signing in.")
    allow_private_endpoints: bool = Field(
        False, description="Whether remote @contexts may be fetched from, and notifications sent to, private addresses."
    )
    history_packed_after_days: int = Field(
        2, ge=1, le=365, description="Days after which a closed day of history is packed into chunks."
    )
    history_page: int = Field(
        10_000, ge=1, description="Instances of one attribute that one temporal answer holds at most; then 206."
    )
    disk_reserve_mb: int = Field(
        256, ge=0, description="Free space, in MB, below which no more readings are taken until there is room."
    )
    crew_positions_hours: int = Field(
        24, ge=1, le=168, description="Hours for which positions of crews are kept; they are taken on duty only."
    )
    argon2_memory_kib: int = Field(19456, ge=8, description="Memory that hashing one password takes, in KiB.")


def _environment() -> dict[str, str]:
    """The fields that the environment names, in upper or lower case."""
    named = {name.upper(): value for name, value in os.environ.items()}
    return {
        field: named[variable] for field in Settings.model_fields if (variable := f"{PREFIX}{field.upper()}") in named
    }


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process."""
    return Settings()
