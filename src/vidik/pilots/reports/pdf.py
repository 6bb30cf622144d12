"""The report as PDF: the same blocks as the page, Cyrillic embedded. The same extract gives the same bytes.

fpdf2 is Python alone and draws what it is told; the font is DejaVu Sans, which may be passed on, as matplotlib's wheel
carries it (see docs/decisions/0023).
"""

from __future__ import annotations

from datetime import datetime

from fpdf import FPDF
from fpdf.fonts import FontFace

from vidik.kernel.print_fonts import dejavu
from vidik.pilots.reports.charts import HEIGHT, WIDTH, Chart
from vidik.pilots.reports.content import Figure, Heading, Paragraph, Table, report_of
from vidik.pilots.reports.extract import Extract
from vidik.pilots.reports.words import Words

MANIFEST_KEYWORD = "vidik-manifest "
_FONT = "DejaVu"
_MARGIN = 16.0  # millimetres
_LABEL_POINTS = 6.5
_GREY, _INK, _GREEN, _RUST = (81, 96, 111), (28, 39, 51), (10, 110, 92), (163, 59, 0)


class _Document(FPDF):
    """A4 with the number of the page, and the hash that names the report, at the foot of each."""

    def __init__(self, foot: str) -> None:
        super().__init__(format="A4")
        self._foot = foot
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(True, margin=18)
        for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self.add_font(_FONT, style, str(dejavu() / name))

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font(_FONT, size=6.5)
        self.set_text_color(*_GREY)
        self.cell(self.epw - 12, 5, self._foot)
        self.cell(12, 5, str(self.page_no()), align="R")


def render_pdf(extract: Extract, language: str) -> bytes:
    """The PDF of a report in en, sr-Cyrl or sr-Latn."""
    report, words = report_of(extract, language), Words(language)
    document = _Document(f"Vidik · {words('hash')}: {extract.plan['hash']}")
    document.set_title(report.title)
    document.set_lang(language)
    document.set_keywords(MANIFEST_KEYWORD + extract.manifest_hash)
    document.set_creation_date(datetime.fromisoformat(extract.entry["decided_at"]))
    document.add_page()
    _text(document, words("report"), 9, _GREY)
    _text(document, report.title, 17, _INK, bold=True)
    _text(document, report.subtitle, 9, _GREY)
    document.ln(2)
    _text(document, report.verdict, 12, _GREEN, bold=True)
    for block in report.blocks:
        match block:
            case Heading(text):
                _heading(document, text)
            case Paragraph(text, warning):
                _text(document, text, 9, _RUST if warning else _INK, bold=warning)
            case Figure(title, chart):
                _figure(document, title, chart)
            case Table():
                _table(document, block)
    return bytes(document.output())


def _text(document: FPDF, text: str, size: float, colour: tuple[int, int, int], *, bold: bool = False) -> None:
    document.set_font(_FONT, "B" if bold else "", size)
    document.set_text_color(*colour)
    document.multi_cell(0, size * 0.55, text, new_x="LMARGIN", new_y="NEXT", align="L")
    document.ln(1)


def _heading(document: FPDF, text: str) -> None:
    if document.get_y() > document.h - 45:
        document.add_page()
    document.ln(3)
    document.start_section(text)
    _text(document, text, 11.5, _INK, bold=True)


def _table(document: FPDF, table: Table) -> None:
    document.set_font(_FONT, size=7.5)
    document.set_text_color(*_INK)
    document.set_draw_color(213, 219, 225)
    alignment = tuple("RIGHT" if column in table.numeric else "LEFT" for column in range(len(table.headers)))
    with document.table(
        borders_layout="HORIZONTAL_LINES",
        col_widths=_widths(table),
        text_align=alignment,
        headings_style=FontFace(emphasis="BOLD", color=_GREY),
        line_height=3.9,
        padding=0.8,
        align="LEFT",
    ) as drawn:
        for row in [table.headers, *table.rows]:
            line = drawn.row()
            for cell in row:
                line.cell(cell)
    document.ln(2)


def _widths(table: Table) -> tuple[float, ...]:
    """Wider columns for longer texts; none narrower than its longest word, as far as words go."""
    rows = [table.headers, *table.rows]
    widths = []
    for column in range(len(table.headers)):
        texts = [row[column] for row in rows]
        word = max((len(word) for text in texts for word in text.split()), default=0)
        widths.append(float(max(8, min(word + 4, 66), min(max(map(len, texts)), 40))))
    return tuple(widths)


def _figure(document: FPDF, title: str, chart: Chart) -> None:
    scale = document.epw / WIDTH
    if document.get_y() + HEIGHT * scale + 8 > document.h - 20:
        document.add_page()
    _text(document, title, 9, _INK, bold=True)
    left, top = document.l_margin, document.get_y()

    def place(point: tuple[float, float]) -> tuple[float, float]:
        return left + point[0] * scale, top + point[1] * scale

    for area in chart.areas:
        document.set_fill_color(area.colour)
        document.polygon([place(point) for point in area.points], style="F")
    document.set_fill_color(255)
    for line in chart.lines:
        document.set_draw_color(line.colour)
        document.set_line_width(line.width * scale)
        document.set_dash_pattern(*((1.2, 0.7) if line.dashes else (0, 0)))
        document.polyline([place(point) for point in line.points])
    document.set_dash_pattern()
    document.set_line_width(0.2)
    document.set_font(_FONT, size=_LABEL_POINTS)
    for label in chart.labels:
        document.set_text_color(label.colour)
        x, y = place(label.at)
        width = document.get_string_width(label.text)
        shift = {"start": 0.0, "middle": width / 2, "end": width}[label.anchor]
        document.text(x - shift, y, label.text)
    document.set_y(top + HEIGHT * scale + 2)
