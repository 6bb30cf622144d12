"""What a process runs to take in messages: the directory of devices and the pipeline."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from vidik.intake.devices import DeviceDirectory
from vidik.intake.disk import DiskGuard
from vidik.intake.pipeline import Pipeline
from vidik.kernel.identity import Principal, authenticator, device_principal
from vidik.kernel.services import Services


@asynccontextmanager
async def running_intake(services: Services) -> AsyncIterator[Pipeline]:
    """Run directory and pipeline for the city's tenant and share both; what was taken is stored at the end."""
    settings = services.settings
    directory = DeviceDirectory(services.database, settings.tenant)
    async with directory.running():
        pipeline = Pipeline(
            services.database,
            settings.tenant,
            directory,
            city=settings.city,
            profiles=settings.data / "profiles",
            disk=DiskGuard(settings.data, settings.disk_reserve_mb) if settings.database_url is None else None,
        )
        async with pipeline.running():
            services.put(directory)
            services.put(pipeline)
            yield pipeline


@asynccontextmanager
async def intake_lifespan(services: Services) -> AsyncIterator[None]:
    """What the web process runs for HTTP push and for replaying dead letters."""
    async with running_intake(services):
        directory = services.get(DeviceDirectory)

        def device(username: str | None, secret: str) -> Principal | None:
            record = directory.by_secret(secret) if username is None else directory.authenticate(username, secret)
            if record is None:
                return None
            return device_principal(record.device_id, record.name, record.organisation, services.settings.tenant)

        sources = authenticator(services).sources
        sources.append(device)
        try:
            yield
        finally:
            sources.remove(device)
