"""Runs the measurements: `python -m bench [name …] [--seconds N] [--history ROWS]`."""

import argparse
import importlib
from pathlib import Path

import uvloop
from rich.console import Console

from bench.report import Report

ALL = (
    "decoding",
    "batch_door",
    "history",
    "ngsild_api",
    "ngsild_million",
    "subscriptions",
    "alarms",
    "operations",
    "bad_input",
    "pilots",
    "pilots_comparison",
    "mqtt",
    "connections",
    "live",
    "city_map",
    "family",
)


async def measure(report: Report, names: list[str], options: argparse.Namespace) -> None:
    """Run the named measurements one after the other: they share two cores with what they measure."""
    for name in names:
        report.say(f"{name} …")
        module = importlib.import_module(f"bench.{name}")
        takes_options = name in ("mqtt", "ngsild_api", "ngsild_million", "subscriptions", "pilots_scale")
        await module.run(report, options) if takes_options else await module.run(report)


def main() -> None:
    """Parse the command line, measure, print, write bench.json."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Figures as ratios of the machine's limits.")
    parser.add_argument("names", nargs="*", default=list(ALL), help=f"which (default all): {', '.join(ALL)}")
    parser.add_argument("--seconds", type=float, default=30, help="how long the MQTT load lasts, each door")
    parser.add_argument("--door", choices=("listener", "mosquitto", "both"), default="both", help="of the MQTT load")
    parser.add_argument(
        "--rate",
        type=float,
        default=0,
        help="messages a second of the MQTT load; 0: all that the listener takes, 8,400 to Mosquitto",
    )
    parser.add_argument("--history", type=int, default=0, help="rows of history behind the MQTT load")
    parser.add_argument("--entities", type=int, default=1_000_000, help="of the large city (ngsild_million)")
    parser.add_argument("--meters", type=int, default=10_000, help="of the city (pilots_scale, only when named)")
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    options = parser.parse_args()
    report = Report(Console())
    uvloop.run(measure(report, options.names, options))
    report.print()
    report.write(options.output)


if __name__ == "__main__":
    main()
