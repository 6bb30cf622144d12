"""The demo's pilots: what each did, by which meters and which plan it is judged."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from vidik.demo.pilots.meters import Columns, Stretch, collection, heat, lighting, water

_TREATED, _OTHERS = 2, 24
_ASSUMED = "претпостављено за демо-град"

Specification = dict[str, Any]


@dataclass(frozen=True)
class Story:
    """One simulated pilot. `effect` is what truly happened, known to the demo alone (-0.1: a tenth less)."""

    key: str
    title: str
    service: str
    effect: float
    hourly: bool
    place: str
    """What a unit is called in the city; its number follows."""
    unit: str
    meters: Callable[[Stretch, int, int, int], Columns]
    plan: Specification
    from_season: bool = False
    """Whether only the heating season counts."""

    def stretch(self, today: date) -> Stretch:
        """A baseline of a year (or season) and as much of the pilot, the last that is over by `today`."""
        if self.from_season:
            ends = date(today.year if today >= date(today.year, 4, 20) else today.year - 1, 4, 15)
            return Stretch(date(ends.year - 2, 10, 15), ends, date(ends.year - 1, 10, 15), self.effect)
        ends = today.replace(day=1) - timedelta(1)
        starts = ends.replace(day=1, year=ends.year - 1) + timedelta(32)
        starts = starts.replace(day=1)
        return Stretch(starts.replace(year=starts.year - 1), ends, starts, self.effect)

    def specification(self, columns: Columns, stretch: Stretch, file: str) -> Specification:
        """The plan, on the columns of the file handed in."""
        signals = [
            {
                "name": f"{self.place} {number}",
                "file": file,
                "column": column,
                "kind": "amount",
                "unit": self.unit,
            }
            for number, column in enumerate((name for name in columns if name != "outdoor"), start=1)
        ]
        found = self.plan | {
            "title": self.title,
            "service": self.service,
            "units": signals[:_TREATED],
            "donors": signals[_TREATED:],
            "baseline": _days(stretch.first, _baseline_end(stretch, self.from_season)),
            "reporting": _days(stretch.starts, stretch.last),
            "repairs": ["short_gaps"],
            "fund": "Буџет града",
        }
        if "outdoor" in columns:
            found["temperature"] = {
                "name": "Спољна температура",
                "file": file,
                "column": "outdoor",
                "kind": "mean",
                "unit": "CEL",
            }
        return found

    def columns(self, stretch: Stretch, seed: int) -> Columns:
        """What the meters wrote."""
        return self.meters(stretch, _TREATED, _OTHERS, seed)


def stories() -> list[Story]:
    """The four simulated pilots of the demo city; in the last one nothing happened."""
    return [
        Story(
            "dimming",
            "Пригушивање јавне расвете ноћу",
            "lighting",
            -0.18,
            hourly=False,
            unit="KWH",
            meters=lighting,
            place="Коло",
            plan={
                "option": "comparison",
                "design": "difference_in_differences",
                "boundary": "Два кола расвете од ормара до последње светиљке; остала кола града су поређење.",
                "expected": 0.2,
                "decision": _rule(0.08, "светла се пригушују у свим колима града"),
                "cost": _cost("420000", "Регулатори у два ормара, уградња и подешавање; без одржавања."),
                "tariff": [_price("14.20", "RSD/KWH")],
                "emissions": _emissions("0.73"),
            },
        ),
        Story(
            "collection",
            "Одвоз отпада по попуњености",
            "waste",
            -0.10,
            hourly=False,
            unit="KMT",
            meters=collection,
            place="Рута",
            plan={
                "option": "comparison",
                "design": "synthetic_control",
                "boundary": "Две руте одвоза, од изласка из круга предузећа до повратка; остале руте су поређење.",
                "expected": 0.12,
                "decision": _rule(0.04, "све руте се планирају по попуњености"),
                "cost": _cost("650000", "Мерачи попуњености на две руте и годину дана везе; без рада диспечера."),
                "tariff": [_price("96.00", "RSD/KMT")],
                "emissions": _emissions("1.15", "kg/KMT"),
            },
        ),
        Story(
            "curve",
            "Нижа крива грејања",
            "heating",
            -0.08,
            hourly=True,
            unit="KWH",
            meters=heat,
            place="Подстаница",
            from_season=True,
            plan={
                "option": "C",
                "design": "baseline",
                "boundary": "Топлота на излазу две подстанице; остале подстанице су проба без промене.",
                "expected": 0.08,
                "decision": _rule(0.03, "крива се спушта у свим подстаницама"),
                "cost": _cost("180000", "Подешавање регулатора и обилазак станова; без нове опреме.", days_a_year=183),
                "tariff": [_price("9.80", "RSD/KWH")],
                "emissions": _emissions("0.24"),
            },
        ),
        Story(
            "pressure",
            "Управљање притиском воде, без стварне промене",
            "water",
            0.0,
            hourly=False,
            unit="MTQ",
            meters=water,
            place="Зона",
            plan={
                "option": "comparison",
                "design": "difference_in_differences",
                "boundary": "Дотицај у две зоне водовода; остале зоне су поређење.",
                "expected": 0.06,
                "decision": _rule(0.03, "притисак се спушта у свим зонама"),
                "cost": _cost("900000", "Редукциони вентили у две зоне, шахтови и уградња."),
                "tariff": [_price("78.50", "RSD/MTQ")],
                "emissions": None,
            },
        ),
    ]


def _days(first: date, last: date) -> dict[str, str]:
    return {"first": first.isoformat(), "last": last.isoformat()}


def _baseline_end(stretch: Stretch, from_season: bool) -> date:
    return date(stretch.starts.year, 4, 15) if from_season else stretch.starts - timedelta(1)


def _rule(worthwhile: float, scale: str) -> dict[str, Any]:
    return {
        "level": 0.9,
        "worthwhile": worthwhile,
        "scale_up": f"Ако је уштеда показана и вреди: {scale}.",
        "extend": "Ако није показана, а може бити: још једна година мерења.",
        "stop": "Ако је горе или не вреди: престаје се.",
    }


def _cost(amount: str, covers: str, days_a_year: int = 365) -> dict[str, Any]:
    return {
        "amount": amount,
        "vat_included": False,
        "covers": covers,
        "source": _ASSUMED,
        "days_a_year": days_a_year,
    }


def _price(value: str, unit: str) -> dict[str, Any]:
    return {"price": {"value": value, "unit": unit, "source": _ASSUMED, "year": 2026, "vat_included": False}}


def _emissions(value: str, unit: str = "kg/KWH") -> dict[str, Any]:
    return {"value": value, "unit": unit, "source": _ASSUMED, "year": 2026, "approach": "location-based"}
