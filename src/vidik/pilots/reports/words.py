"""The words of a report, in English and Serbian Cyrillic; Latin is derived. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from vidik.kernel.scripts import to_latin

_WORDS: Mapping[str, tuple[str, str]] = {
    "report": ("Report of a pilot", "Извештај о пилоту"),
    "simulated": (
        "Simulated data: this pilot shows the method. Nothing of it was measured in the city.",
        "Симулирани подаци: овај пилот показује методу. Ништа од овога није измерено у граду.",
    ),
    "frozen_late": (
        "The plan was frozen after its reporting period had begun: it was not fixed before the result could be known.",
        "План је закључан пошто је извештајни период већ почео: није утврђен пре него што је исход могао да се зна.",
    ),
    "changed_late": (
        "The plan was amended after the pilot had begun; see “Amendments” for what was changed and why.",
        "План је допуњен пошто је пилот већ почео; шта је промењено и зашто, видети у „Допуне“.",
    ),
    "changed": (
        "The baseline data changed after the freeze. The figures rest on data that nobody signed; see “Data”.",
        "Подаци основног периода промењени су после закључавања. Бројеви почивају на подацима које нико није потписао; "
        "видети „Подаци“.",
    ),
    "saved": (
        "Saved: the whole interval lies above zero.",
        "Уштеђено: цео интервал је изнад нуле.",
    ),
    "not_shown": (
        "Not shown: the interval contains zero, so these data do not prove a saving.",
        "Није показано: интервал садржи нулу, па ови подаци не доказују уштеду.",
    ),
    "worse": (
        "Worse: the whole interval lies below zero.",
        "Погоршање: цео интервал је испод нуле.",
    ),
    "result": ("Result", "Исход"),
    "saving": ("Saving", "Уштеда"),
    "share_of": ("Share that this plan counts", "Удео који овај план рачуна"),
    "actual": ("Measured", "Измерено"),
    "counterfactual": ("Expected without the pilot", "Очекивано без пилота"),
    "fraction": ("Saving as a share", "Уштеда као удео"),
    "interval": ("Interval", "Интервал"),
    "placebos": ("Placebo runs behind the interval", "Пробних прорачуна иза интервала"),
    "p_value": ("p-value from placebo runs", "p-вредност из пробних прорачуна"),
    "guideline_14": (
        "For comparison: ASHRAE Guideline 14 interval (often too narrow)",
        "Ради поређења: интервал по ASHRAE Guideline 14 (често преузак)",
    ),
    "money": ("Money at the frozen tariff", "Новац по закључаној тарифи"),
    "cost": ("What the pilot cost", "Колико је пилот коштао"),
    "yearly": ("Worth of the saving a year", "Вредност уштеде годишње"),
    "payback": ("Paid back after, years", "Исплати се за, година"),
    "payback_unknown": (
        "Not known: no saving was shown.",
        "Не зна се: уштеда није показана.",
    ),
    "payback_worse": ("Not paid back: it got worse.", "Не исплаћује се: погоршало се."),
    "payback_years": ("Paid back after, years", "Исплати се за, година"),
    "with_vat": ("VAT included", "са ПДВ-ом"),
    "without_vat": ("VAT not included", "без ПДВ-а"),
    "tonnes": ("Avoided emissions, tonnes of CO2", "Избегнуте емисије, тона CO2"),
    "unbounded": ("not bounded", "неограничено"),
    "decision": ("Decision", "Одлука"),
    "rule_decision": ("What the frozen rule says", "Шта каже закључано правило"),
    "decided": ("What was decided", "Шта је одлучено"),
    "decided_by": ("Decided by", "Одлучио"),
    "note": ("Note", "Напомена"),
    "against_rule": (
        "The decision is not the one of the frozen rule; the note says why.",
        "Одлука није она коју даје закључано правило; напомена каже зашто.",
    ),
    "scale_up": ("Scale up", "Проширити"),
    "extend": ("Extend", "Продужити"),
    "stop": ("Stop", "Обуставити"),
    "course": ("Course", "Ток"),
    "cumulative_chart": ("Cumulative saving with its band", "Збирна уштеда са опсегом"),
    "daily_chart": ("Measured and expected, day by day", "Измерено и очекивано, дан по дан"),
    "month": ("Month", "Месец"),
    "year": ("Year", "Година"),
    "days": ("Days", "Дана"),
    "by_year": ("By calendar year", "По календарским годинама"),
    "units": ("Units", "Јединице"),
    "unit": ("Unit", "Јединица"),
    "model": ("Model", "Модел"),
    "cv_hourly": ("CV(RMSE) hourly", "CV(RMSE) по сату"),
    "cv_daily": ("CV(RMSE) daily", "CV(RMSE) по дану"),
    "nmbe": ("NMBE", "NMBE"),
    "r2": ("R²", "R²"),
    "within": ("Within Guideline 14", "У границама Guideline 14"),
    "yes": ("yes", "да"),
    "no": ("no", "не"),
    "donors": ("Donors and their weights", "Донори и њихове тежине"),
    "findings": ("What was found in data and course", "Шта је нађено у подацима и току"),
    "finding": ("Finding", "Налаз"),
    "events": ("Events and what people said about them", "Догађаји и шта су људи рекли о њима"),
    "answer": ("Answer", "Одговор"),
    "routine": ("routine", "редовно"),
    "excluded": ("excluded", "изузето"),
    "adjusted": ("adjusted", "прилагођено"),
    "plan": ("Plan", "План"),
    "service": ("Service", "Служба"),
    "boundary": ("Boundary", "Граница"),
    "option": ("IPMVP option", "IPMVP опција"),
    "design": ("Design", "Начин поређења"),
    "baseline": ("Baseline period", "Основни период"),
    "reporting": ("Reporting period", "Извештајни период"),
    "exclusions": ("Excluded days", "Изузети дани"),
    "repairs": ("Repairs that the plan allows", "Поправке које план допушта"),
    "expected": ("Expected saving", "Очекивана уштеда"),
    "rule": ("Decision rule", "Правило одлуке"),
    "worthwhile": ("Worthwhile from", "Исплативо од"),
    "tariff": ("Prices", "Цене"),
    "emissions": ("Emission factor", "Емисиони фактор"),
    "fund": ("Fund", "Извор новца"),
    "allocation": ("Shared with other plans", "Дељење са другим плановима"),
    "this_plan": ("this plan", "овај план"),
    "value": ("Value", "Вредност"),
    "source": ("Source", "Извор"),
    "hours": ("Hours and weekdays", "Сати и дани"),
    "signature": ("Signature", "Потпис"),
    "hash": ("Hash of the plan (SHA-256)", "Отисак плана (SHA-256)"),
    "signed_by": ("Signed by", "Потписао"),
    "author": ("Last author of the draft", "Последњи аутор нацрта"),
    "statement": ("Statement", "Изјава"),
    "audit": ("Position in the audit record", "Место у ревизорском запису"),
    "amendments": ("Amendments", "Допуне"),
    "number": ("No.", "Бр."),
    "what": ("What", "Шта"),
    "reason": ("Reason", "Разлог"),
    "by": ("By", "Ко"),
    "at": ("When", "Када"),
    "after_start": ("after the start", "после почетка"),
    "data": ("Data", "Подаци"),
    "signal": ("Signal", "Сигнал"),
    "role": ("Role", "Улога"),
    "steps": ("Steps", "Корака"),
    "digest": ("Fingerprint (SHA-256)", "Отисак (SHA-256)"),
    "donor": ("donor", "донор"),
    "temperature": ("temperature", "температура"),
    "unit_role": ("unit", "јединица"),
    "verify": ("Verify", "Провера"),
    "how": (
        "Everything here can be computed again from the extract: vidik pilot verify EXTRACT.zip, or verify this report "
        "with the extract beside it. The fingerprint of the extract's manifest is",
        "Све овде може поново да се израчуна из извода: vidik pilot verify EXTRACT.zip, или проверите овај извештај са "
        "изводом поред њега. Отисак манифеста извода је",
    ),
    "member": ("Item", "Ставка"),
    "period_text": ("to", "до"),
    "none": ("none", "нема"),
    "city": ("city", "град"),
    "lighting": ("lighting", "расвета"),
    "parking": ("parking", "паркирање"),
    "waste": ("waste", "отпад"),
    "heating": ("heating", "грејање"),
    "water": ("water", "вода"),
    "traffic": ("traffic", "саобраћај"),
    "air": ("air", "ваздух"),
    "baseline_design": ("own baseline", "сопствени основни период"),
    "difference_in_differences": ("difference in differences", "разлика разлика"),
    "synthetic_control": ("synthetic control", "синтетичка контрола"),
    "randomised": ("randomised on and off weeks", "насумичне недеље рада и мировања"),
    "single_series": ("single series (weak)", "један низ (слаб доказ)"),
    "entry": ("Entry", "Унос"),
    "pilot": ("Pilot", "Пилот"),
    "verdict": ("Verdict", "Исход"),
    "low": ("Low", "Доња граница"),
    "high": ("High", "Горња граница"),
    "corrects": ("Corrects entry", "Исправља унос"),
    "corrected_by": ("Corrected by entry", "Исправљен уносом"),
    "decided_at": ("Decided at", "Одлучено"),
    "simulated_column": ("Simulated", "Симулирано"),
    "signed_late": ("Signed after the start", "Потписано после почетка"),
    "changed_late_column": ("Changed after the start", "Промењено после почетка"),
    "currency": ("Currency", "Валута"),
}

_APPROACHES: Mapping[str, str] = {
    "location-based": "фактор мреже (по месту)",
    "market-based": "фактор уговора (по тржишту)",
    "residual mix": "преостала мешавина",
    "location-based, generation in Serbia, life cycle": "фактор мреже: производња у Србији, животни циклус",
    "location-based, consumption with imports traced, life cycle": (
        "фактор мреже: потрошња с праћењем увоза, животни циклус"
    ),
    "combined margin for energy efficiency": "комбинована маргина за енергетску ефикасност",
    "operating margin": "оперативна маргина",
    "implied by a project's own figures": "изведено из бројки једног пројекта",
    "combustion, net calorific value": "сагоревање, доња топлотна моћ",
}

_SYMBOLS: Mapping[str, str] = {
    "KWH": "kWh", "MWH": "MWh", "MTQ": "m³", "LTR": "l", "KMT": "km", "MIN": "min", "HUR": "h", "TNE": "t", "KGM": "kg",
    "C62": "", "CEL": "°C",
}  # fmt: skip


def symbol(code: str) -> str:
    """The symbol of a UN/CEFACT unit code; another code stays as it is."""
    return _SYMBOLS.get(code.upper(), code)


class Words:
    """The words and number forms of one language: en, sr-Cyrl or sr-Latn."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str) -> str:
        """The word or sentence of a key."""
        english, cyrillic = _WORDS[key]
        if self.language == "en":
            return english
        return cyrillic if self.language == "sr-Cyrl" else to_latin(cyrillic)

    def approach(self, said: str) -> str:
        """How an emission factor came about; what a person wrote in words of their own stays as it is."""
        cyrillic = said if self.language == "en" else _APPROACHES.get(said, said)
        return to_latin(cyrillic) if self.language == "sr-Latn" else cyrillic

    def number(self, value: float | Decimal | None, digits: int | None = None) -> str:
        """A number as people of this language write it; `digits` after the sign, else about four that count."""
        if value is None:
            return self("unbounded")
        if digits is None:
            size = abs(float(value))
            digits = 0 if size >= 1000 or size == 0 else 1 if size >= 100 else 2 if size >= 1 else 4
        text = f"{value:,.{digits}f}"
        if text.startswith("-") and not text.strip("-0.,"):
            text = text[1:]
        text = text.replace("-", "\u2212")
        return text if self.language == "en" else text.translate(str.maketrans(",.", ".,"))

    def percent(self, fraction: float | None, digits: int = 1) -> str:
        """A fraction as a percentage."""
        return "\u2013" if fraction is None else f"{self.number(fraction * 100, digits)} %"

    def money(self, amount: str | Decimal | None, currency: str) -> str:
        """An amount of money."""
        if amount is None:
            return self("unbounded")
        return f"{self.number(Decimal(amount), 2)} {currency}"
