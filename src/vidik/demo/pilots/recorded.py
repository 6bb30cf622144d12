"""A real plan on the recordings of Niš: substation L4, whose heat fell by about a third between two seasons.

Nothing was piloted there. What Vidik must do is to ask what happened before it calls that a saving.
"""

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FOLDER = "nis-heating"
_UNIT = "scada_L4.csv"


@dataclass(frozen=True)
class RecordedPlan:
    """Files as they were recorded, and the plan that reads them."""

    title: str
    files: dict[str, bytes]

    def specification(self, files: dict[str, str]) -> dict[str, Any]:
        """The plan, by the names under which the files were taken in."""
        file = files[_UNIT]
        return {
            "title": self.title,
            "service": "heating",
            "option": "C",
            "design": "baseline",
            "boundary": "Топлотна подстаница Л4 Топлане Машинског факултета у Нишу: мерач топлоте на примару.",
            "units": [{"name": "L4", "file": file, "column": "e", "kind": "counter", "unit": "MWH"}],
            "temperature": {
                "name": "Спољна температура",
                "file": file,
                "column": "t_amb",
                "kind": "mean",
                "unit": "CEL",
            },
            "baseline": {"first": "2019-10-15", "last": "2021-04-15"},
            "reporting": {"first": "2021-10-15", "last": "2022-04-15"},
            "exclusions": [
                {"first": "2020-04-16", "last": "2020-10-14", "reason": "Ван грејне сезоне."},
            ],
            "repairs": ["duplicates", "short_gaps", "reset", "outliers", "stuck"],
            "expected": 0.1,
            "decision": {
                "level": 0.9,
                "worthwhile": 0.05,
                "scale_up": "Ако је уштеда показана, а ништа друго се није променило.",
                "extend": "Ако није показана: још једна сезона мерења.",
                "stop": "Ако је горе.",
            },
            "tariff": [
                {
                    "price": {
                        "value": "9800",
                        "unit": "RSD/MWH",
                        "source": "претпостављено за демо-град",
                        "year": 2022,
                        "vat_included": False,
                    }
                }
            ],
            "fund": "Машински факултет",
        }


def recorded_plan(recordings: Path) -> RecordedPlan | None:
    """The plan with its files, or None where the recordings are not there."""
    path = recordings / _FOLDER / f"{_UNIT}.gz"
    if not path.is_file():
        return None
    return RecordedPlan("Подстаница Л4, стварни снимак 2019-2022", {_UNIT: gzip.decompress(path.read_bytes())})
