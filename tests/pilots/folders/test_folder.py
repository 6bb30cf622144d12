"""A folder of meters, from Python and from the command line: none helps to judge itself, none ends the others."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from tests.pilots.made import building, hours, warmth, write_csv
from typer.testing import CliRunner

from vidik.cli import app, pilots  # noqa: F401  registers its command
from vidik.kernel.errors import BadInput
from vidik.pilots.folders.evaluating import evaluate_folder
from vidik.pilots.folders.files import Task, meter_files
from vidik.pilots.folders.meter import FolderOutcome
from vidik.pilots.folders.summary import summary
from vidik.pilots.measurement.series import Period

FIT, TEST = Period(date(2022, 1, 1), date(2022, 12, 31)), Period(date(2023, 1, 1), date(2023, 12, 31))
METERS = 11


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven steady meters with a small drift each, one of which saved 30 % in 2023; and the weather."""
    place = tmp_path_factory.mktemp("meters")
    generator = np.random.default_rng(4)
    for number in range(METERS):
        write_csv(place / f"m{number}.csv", building(f"m{number}", seed=number, drift=float(generator.normal(0, 0.02))))
    saved = building("saved", seed=99)
    values = saved.values.copy()
    values[np.arange(hours()) >= hours(2)] *= 0.7
    write_csv(place / "saved.csv", saved.with_values(values))
    write_csv(place / "weather.csv", warmth(), "temperature")
    return place


def evaluated(folder: Path) -> FolderOutcome:
    task = Task(fit=FIT, test=TEST, weather=folder / "weather.csv", zone="UTC")
    files = meter_files(folder, without=task.weather)
    return evaluate_folder(files, files, task, workers=1)


@pytest.fixture(scope="module")
def outcome(folder: Path) -> FolderOutcome:
    """All of them evaluated, calibrated by the others."""
    return evaluated(folder)


class TestFolder:
    def test_a_saving_is_shown_and_nothing_else(self, outcome: FolderOutcome) -> None:
        saved = {meter.name for meter in outcome.meters if meter.verdict == "saved"}
        assert saved == {"saved"}
        meter = next(meter for meter in outcome.meters if meter.name == "saved")
        assert meter.saving / meter.counterfactual == pytest.approx(0.3, abs=0.03)
        assert meter.interval is not None
        assert meter.interval.low < 0.3 * meter.counterfactual < meter.interval.high

    def test_no_placebo_run_touches_a_meter_itself_or_needs_its_test_year(self, outcome: FolderOutcome) -> None:
        assert all(meter.interval is not None and meter.interval.placebos == 2 * METERS for meter in outcome.meters)
        assert "never from its own" in outcome.placebos
        assert "same periods" in outcome.placebos

    def test_the_summary_counts_them(self, outcome: FolderOutcome) -> None:
        found = summary(outcome)

        assert (found["meters"], found["evaluated"], found["refused"]) == (METERS + 1, METERS + 1, 0)
        assert found["coverage"] >= 0.75
        assert found["false_savings"] == pytest.approx(1 / (METERS + 1))
        assert [injected["saving"] for injected in found["injected"]] == [0.05, 0.1, 0.2, 0.3]

    def test_what_cannot_be_read_is_refused_and_the_rest_goes_on(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "prose.csv").write_text("This is not a meter.\nNor is this.\n")
        (tmp_path / "monthly.csv").write_text("month,kwh\n2022-01-01,5\n2022-02-01,6\n2022-03-01,7\n")
        short = building("short")
        write_csv(
            tmp_path / "short.csv",
            short.with_values(np.where(np.arange(hours()) < hours(2) - 800, np.nan, short.values)),
        )
        write_csv(tmp_path / "good.csv", building("good"))
        task = Task(fit=FIT, test=TEST, weather=folder / "weather.csv", zone="UTC")

        outcome = evaluate_folder(meter_files(tmp_path), [], task, workers=1)

        refused = {meter.name: meter.refused for meter in outcome.meters}
        assert refused["good"] is None
        assert "too few" in (refused["short"] or "")
        assert "not a table" in (refused["prose"] or "")
        assert "days apart" in (refused["monthly"] or "")
        good = next(meter for meter in outcome.meters if meter.name == "good")
        assert good.interval is not None
        assert good.interval.note is not None

    def test_a_change_of_unit_is_no_saving(self, folder: Path, tmp_path: Path) -> None:
        changed = building("changed")
        values = np.where(np.arange(hours()) >= hours(2), changed.values / 11, changed.values)
        write_csv(tmp_path / "changed.csv", changed.with_values(values))
        task = Task(fit=FIT, test=TEST, weather=folder / "weather.csv", zone="UTC")
        others = meter_files(folder, without=task.weather)[:4]

        meter = evaluate_folder([tmp_path / "changed.csv"], others, task, workers=1).meters[0]

        assert meter.verdict == "not_shown"
        assert "scale" in {finding.code for finding in meter.findings}

    def test_several_processes_find_the_same(self, folder: Path) -> None:
        task = Task(fit=FIT, test=TEST, weather=folder / "weather.csv", zone="UTC")
        files = meter_files(folder, without=task.weather)[:3]

        one, two = (evaluate_folder(files, files, task, workers=number) for number in (1, 2))

        assert [meter.counterfactual for meter in one.meters] == [meter.counterfactual for meter in two.meters]

    def test_a_test_period_before_the_fit_period_declares_nothing(self, folder: Path) -> None:
        task = Task(fit=TEST, test=FIT, weather=folder / "weather.csv", zone="UTC")

        meter = evaluate_folder([folder / "saved.csv"], meter_files(folder, without=task.weather), task, workers=1)

        assert meter.meters[0].verdict == "not_shown"
        assert "test-before-fit" in {finding.code for finding in meter.meters[0].findings}

    def test_periods_that_overlap_are_refused(self, folder: Path) -> None:
        with pytest.raises(BadInput, match="overlap"):
            evaluate_folder([folder / "m0.csv"], [], Task(fit=FIT, test=FIT), workers=1)


class TestCommand:
    def arguments(self, folder: Path, *more: str) -> list[str]:
        return [
            *("pilots", "evaluate", "--meters", str(folder), "--weather", str(folder / "weather.csv")),
            *("--fit", "2022-01-01..2022-12-31", "--test", "2023-01-01..2023-12-31", "--workers", "1"),
            *more,
        ]

    def test_json_has_every_figure_of_every_meter(self, folder: Path) -> None:
        result = CliRunner().invoke(app, self.arguments(folder, "--calibrate", str(folder), "--json"))

        assert result.exit_code == 0, result.output
        document = json.loads(result.stdout)
        assert len(document["meters"]) == METERS + 1
        expected = {
            *(
                "model",
                "cv_rmse_hourly",
                "cv_rmse_daily",
                "cv_rmse_monthly",
                "nmbe",
                "saving",
                "guideline_14",
                "interval",
            ),
        }
        assert all(expected <= meter.keys() and meter["model"] for meter in document["meters"])
        assert {"coverage", "false_savings", "median_cv_rmse_daily"} <= document["summary"].keys()

    def test_a_table_is_for_people(self, folder: Path) -> None:
        arguments = self.arguments(folder, "--model", "mean_week", "--zone", "UTC")
        result = CliRunner().invoke(app, arguments)

        assert result.exit_code == 0, result.output
        assert "median CV(RMSE) daily" in result.output

    @pytest.mark.parametrize("how", [(), ("--json",)], ids=["table", "json"])
    def test_where_nothing_could_be_evaluated_it_says_why_and_ends_with_1(
        self, folder: Path, tmp_path: Path, how: tuple[str, ...]
    ) -> None:
        (tmp_path / "a.csv").write_text("datetime,kwh\n")
        (tmp_path / "b.csv").write_text("This is not a meter.\nNor is this.\n")

        result = CliRunner().invoke(app, self.arguments(folder, "--meters", str(tmp_path), "--zone", "UTC", *how))

        assert result.exit_code == 1
        assert "The first of 2 refused meters: a has no rows." in result.stderr
        if how:
            assert json.loads(result.stdout)["summary"]["refused"] == 2

    def test_one_refused_meter_does_not_fail_the_others(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("datetime,kwh\n")
        (tmp_path / "m0.csv").write_bytes((folder / "m0.csv").read_bytes())

        result = CliRunner().invoke(app, self.arguments(folder, "--meters", str(tmp_path), "--zone", "UTC"))

        assert result.exit_code == 0
        assert "a has no rows." in result.stdout
        assert "not known" in result.stdout, "an interval without any placebo run"

    def test_what_is_wrong_with_the_weather_is_said(self, folder: Path, tmp_path: Path) -> None:
        series = warmth()
        weather = write_csv(tmp_path / "f.csv", series.with_values(series.values * 1.8 + 32), "temperature")
        only = ("--meters", str(folder / "m0.csv"), "--weather", str(weather), "--zone", "UTC")

        document = json.loads(CliRunner().invoke(app, self.arguments(folder, *only, "--json")).stdout)

        assert [finding["code"] for finding in document["weather"]["findings"]] == ["temperature-unit"]

    def test_meters_that_calibrate_may_be_written_otherwise(self, folder: Path, tmp_path: Path) -> None:
        own = building("own", seed=50)
        counter = write_csv(tmp_path / "own.csv", own.with_values(1_000 + np.cumsum(own.values)), "Stanje")
        (tmp_path / "broken").mkdir()
        for number in range(3):
            (tmp_path / "broken" / f"m{number}.csv").write_bytes((folder / f"m{number}.csv").read_bytes())
        (tmp_path / "broken" / "prose.csv").write_text("This is not a meter.\nNor is this.\n")
        how = ("--meters", str(counter), "--kind", "counter", "--column", "Stanje", "--zone", "UTC", "--json")

        result = CliRunner().invoke(app, self.arguments(folder, "--calibrate", str(tmp_path / "broken"), *how))

        document = json.loads(result.stdout)
        assert document["meters"][0]["interval"]["placebos"] == 6
        assert document["calibration"]["refused"].keys() == {"prose"}

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--fit", "2022"], "is no period"),
            (["--fit", "2022-12-31..2022-01-01"], "before it begins"),
            (["--zone", "Nis"], "no time zone"),
            (["--model", "magic"], "no model"),
            (["--kind", "flow"], "counter"),
            (["--meters", "{folder}/weather.csv"], "it is no meter"),
        ],
    )
    def test_a_mistake_is_answered_with_a_sentence(self, folder: Path, arguments: list[str], words: str) -> None:
        given = [argument.format(folder=folder) for argument in arguments]

        result = CliRunner().invoke(app, self.arguments(folder, *given))

        assert isinstance(result.exception, BadInput)
        assert words in result.exception.detail


class TestWeatherThatIsAMeterToo:
    """A substation's recording holds heat and outdoor temperature: as "the weather" its meter was left out unsaid."""

    OPTIONS = ("--fit", "2022-01-01..2022-12-31", "--test", "2023-01-01..2023-12-31", "--zone", "UTC", "--json")

    def written(self, place: Path, header: str) -> Path:
        both, heat = place / "both.csv", building("both")
        rows = [
            f"{str(time).replace('T', ' ')}:00,{used:.3f},{warm:.2f}"
            for time, used, warm in zip(heat.times.astype("datetime64[m]"), heat.values, warmth().values, strict=True)
        ]
        both.write_text("\n".join([header, *rows]) + "\n")
        return both

    def meters(self, place: Path, *options: str) -> list[str]:
        result = CliRunner().invoke(app, ["pilots", "evaluate", "--meters", str(place), *options, *self.OPTIONS])
        assert result.exit_code == 0, result.output
        return [meter["meter"] for meter in json.loads(result.stdout)["meters"]]

    def test_with_both_columns_named_it_is_a_meter(self, tmp_path: Path) -> None:
        both = self.written(tmp_path, "datetime,e,t_amb")
        write_csv(tmp_path / "other.csv", building("other", seed=5), "e")

        named = ("--weather", str(both), "--temperature-column", "T_amb", "--column", "E")

        assert self.meters(tmp_path, *named) == ["both", "other"]
        assert self.meters(both, *named) == ["both"]

    def test_a_weather_file_whose_values_only_bear_the_meters_name_is_none(self, tmp_path: Path) -> None:
        write_csv(tmp_path / "other.csv", building("other", seed=5), "value")
        weather = write_csv(tmp_path / "weather.csv", warmth(), "value")

        for temperature in ((), ("--temperature-column", "value")):
            assert self.meters(tmp_path, "--weather", str(weather), "--column", "value", *temperature) == ["other"]


@pytest.mark.parametrize(
    ("options", "field", "code"),
    [
        (("--fit", "2018", "--test", "2019-01-01..2019-12-31"), "fit", "no-period"),
        (("--fit", "2022-01-01..2022-12-31", "--test", "2022-06-01..2023-05-31"), "test", "periods-overlap"),
        (("--meters", "{place}/gone", "--fit", "2022-01-01..2022-12-31", "--test", "2023-01-01..2023-12-31"), "meters",
         "no-such-place"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_options_is_json_too_where_json_was_asked_for(
    tmp_path: Path, options: tuple[str, ...], field: str, code: str
) -> None:
    write_csv(tmp_path / "m.csv", building("m"))
    options = tuple(option.format(place=tmp_path) for option in options)

    result = CliRunner().invoke(app, ["pilots", "evaluate", "--meters", str(tmp_path), *options, "--json"])

    assert result.exit_code == 1
    error = json.loads(result.stdout)["error"]
    assert (error["field"], error["code"]) == (field, code)
    assert error["detail"].endswith(".")
