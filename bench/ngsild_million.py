"""The figures of queries at 1,000,000 entities; building them takes some minutes and 8 GB of disk."""

import argparse

from bench import ngsild
from bench.http_load import drive
from bench.ngsild_api import p95, warm_and_drive
from bench.report import Figure, Report

ENTITIES = 1_000_000


async def run(report: Report, options: argparse.Namespace) -> None:
    """Pages of 20 under load, pages of 100 near a place for one client."""
    seconds = min(options.seconds, 10.0)
    with ngsild.city(ENTITIES) as city:
        load = await warm_and_drive(city, 16, seconds, ngsild.page_request)
        report.add(
            Figure("type + q, page of 20, 1M entities", load.rate, "requests/s", goal=300, details=load.details())
        )
        report.add(p95("type + q, page of 20, 1M entities, p95", load, 50))
        alone = await drive(city.port, 1, seconds, ngsild.query_request)
        report.add(p95("type + q + near, page of 100, 1M entities, one client, p95", alone, 30))
