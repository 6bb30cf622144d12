"""The report as one HTML page: printable, self-contained, without scripts. The same extract gives the same bytes."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from vidik.pilots.reports.charts import Chart, svg
from vidik.pilots.reports.content import report_of
from vidik.pilots.reports.extract import Extract
from vidik.pilots.reports.words import Words


def render_page(extract: Extract, language: str) -> str:
    """The page of a report in en, sr-Cyrl or sr-Latn."""
    return _template().render(
        report=report_of(extract, language),
        words=Words(language),
        manifest_hash=extract.manifest_hash,
        kind=lambda block: type(block).__name__,
        drawn=_drawn,
    )


@cache
def _template() -> Template:
    loader = PackageLoader("vidik.pilots.reports", package_path="")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    return environment.get_template("report.html.j2")


def _drawn(chart: Chart) -> Markup:
    return Markup(svg(chart))  # noqa: S704  (svg escapes every text in it)
