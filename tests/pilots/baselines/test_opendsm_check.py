"""The second opinion, where OpenDSM is installed; where it is not, how to get it."""

from datetime import date
from importlib.util import find_spec

import pytest
from tests.pilots.made import building, warmth

from vidik.kernel.errors import BadInput
from vidik.pilots.baselines.opendsm_check import cross_check, require
from vidik.pilots.measurement.series import Period

INSTALLED = find_spec("opendsm") is not None


@pytest.mark.skipif(INSTALLED, reason="OpenDSM is installed")
def test_without_it_the_way_to_install_it_is_said() -> None:
    with pytest.raises(BadInput, match="crosscheck"):
        require()


@pytest.mark.skipif(not INSTALLED, reason="OpenDSM (the extra 'crosscheck') is not installed")
def test_both_agree_on_a_meter_that_saved_nothing() -> None:
    found = cross_check(
        building("office"),
        warmth(),
        Period(date(2021, 1, 1), date(2021, 12, 31)),
        Period(date(2022, 1, 1), date(2022, 12, 31)),
    )

    assert found["refused"] is None
    assert isinstance(found["saving_fraction"], float)
    assert abs(found["saving_fraction"]) < 0.05
