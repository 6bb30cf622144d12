"""CSV messages: headers, separators, decimal commas, devices named in a column."""

from collections.abc import Callable

import pytest

from vidik.intake.profiles import Profile, Rejected

LINES = """
name: lines
version: 1
title: Lines
service: other
format: csv
entity: {type: Thing, id: "urn:x:{device_id}"}
expected_interval_seconds: 60
csv: {separator: ";", decimal: ",", header: true}
time: {column: when, format: "%d.%m.%Y %H:%M", zone: Europe/Belgrade, ambiguous: later}
reject_if_all: 0
attributes:
  - {name: temperature, column: t, unit: CEL, minimum: -40, maximum: 60}
  - {name: flow, column: q, unit: MQH}
  - {name: open, column: o, type: boolean}
"""


@pytest.fixture
def lines(make: Callable[[str], Profile]) -> Profile:
    return make(LINES)


class TestLines:
    def test_reads_lines_by_the_names_in_the_header(self, lines: Profile, received: int) -> None:
        readings = lines.decode(
            b"q;extra;when;t;o\n1,5;x;22.11.2025 02:00;-3,25;TRUE\n2;x;22.11.2025 02:10;4;\n", received
        )

        assert readings[0].values == {"a:temperature": -3.25, "a:flow": 1.5, "a:open": True}
        assert readings[1].values == {"a:temperature": 4.0, "a:flow": 2.0}
        assert readings[0].observed_at == 1_763_773_200_000_000

    def test_leaves_out_empty_cells_and_missing_columns(self, lines: Profile, received: int) -> None:
        (reading,) = lines.decode(b"when;t\n22.11.2025 02:00;5", received)

        assert reading.values == {"a:temperature": 5.0}

    def test_reads_a_file_with_a_byte_order_mark(self, lines: Profile, received: int) -> None:
        assert lines.decode("\ufeffwhen;t\n22.11.2025 02:00;5".encode(), received)

    def test_refuses_an_implausible_value_alone(self, lines: Profile, received: int) -> None:
        (reading,) = lines.decode(b"when;t;q\n22.11.2025 02:00;99;5", received)

        assert reading.values == {"a:flow": 5.0}
        assert reading.rejected[0][1:3] == ("temperature", 99.0)

    @pytest.mark.parametrize(
        ("text", "field"),
        [
            ("", ""),
            ("when;t", ""),
            ("t;q\n1;2", "when"),
            ("when;t;t\n22.11.2025 02:00;1;2", "t"),
            ("when;t\n22.11.2025 02:00;1;2", "line 2"),
            ("when;t\n22.11.2025 02:00", "line 2"),
            ("when;t\n22.11.2025 02:00;1.5", "line 2, t"),
            ("when;t\n22.11.2025 02:00;1 000", "line 2, t"),
            ("when;t\n22.11.2025 02:00;nan", "line 2, t"),
            ("when;t\n22.11.2025 02:00;inf", "line 2, t"),
            ("when;t\n22.11.2025 02:00;1e999", "line 2, t"),
            ("when;t\n22.11.2025 02:00;1_0", "line 2, t"),
            ("when;t\n22.11.2025 02:00;0x10", "line 2, t"),
            ("when;o\n22.11.2025 02:00;maybe", "line 2, o"),
            ("when;t\n;1", "line 2, when"),
            ("when;t\n2025-11-22;1", "line 2, when"),
            ("when;t\n22.11.2025 03:00;1", "line 2, when"),
            ("when;t\n22.11.2025 02:00;1\n22.11.2025 02:10;x", "line 3, t"),
            ('when;t\n"22.11.2025 02:00;1', ""),
            ("when;t\n22.11.2025 02:00;\x00", ""),
            ("when;t;q\n22.11.2025 02:00;0;0,0", "line 2"),
        ],
    )
    def test_refuses_the_whole_message_and_names_line_and_field(
        self, lines: Profile, received: int, text: str, field: str
    ) -> None:
        with pytest.raises(Rejected) as refused:
            lines.decode(text.encode(), received)

        assert refused.value.field == field

    def test_refuses_bytes_that_are_not_text(self, lines: Profile, received: int) -> None:
        with pytest.raises(Rejected, match="not CSV"):
            lines.decode(b"when;t\n\xff\xfe;1", received)


class TestColumnsWithoutHeader:
    def test_reads_by_the_profile_and_names_the_device(self, make: Callable[[str], Profile], received: int) -> None:
        profile = make(
            """
name: plain
version: 1
title: Plain
service: other
format: csv
entity: {type: Thing, id: "urn:x:{device_id}"}
expected_interval_seconds: 60
csv: {header: false, columns: [id, t, v], encoding: windows-1250}
device: {column: id, template: "meter-{value}"}
time: {column: t, format: unix_s}
attributes: [{name: volume, column: v, minimum: 0}]
"""
        )

        readings = profile.decode(b"7,1763775000,1.5\n8,1763775000,2\n", received)

        assert [reading.device_id for reading in readings] == ["meter-7", "meter-8"]
        with pytest.raises(Rejected, match="not named"):
            profile.decode(b",1763775000,1.5", received)
