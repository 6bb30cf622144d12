"""The NGSI-LD API's two figures, as figures of the report (measured by bench/ngsild.py)."""

import argparse
import asyncio

from bench import ngsild
from bench.report import Figure, Report


async def run(report: Report, options: argparse.Namespace) -> None:
    """Retrieve by id, and type + q + near with a page of 100, at 100,000 entities."""
    found = await asyncio.to_thread(ngsild.run, 100_000, min(options.seconds, 10.0))
    retrieve, query = found["retrieve"], found["query"]
    report.add(
        Figure(
            "retrieve one entity by id",
            retrieve["rate"],
            "requests/s",
            goal=3_000,
            limit=retrieve["raw_rate"],
            limit_is="the raw query by one connection",
            details={name: value for name, value in retrieve.items() if name.startswith("p")},
        )
    )
    report.add(
        Figure(
            "type + q + near, page of 100, 100k entities",
            query["rate"],
            "requests/s",
            goal=300,
            limit=query["raw_rate"],
            limit_is="the raw query by one connection",
            details={name: value for name, value in query.items() if name.startswith("p")},
        )
    )
