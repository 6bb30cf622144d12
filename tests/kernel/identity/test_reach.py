"""Where a permission reaches: the rule itself, and that SQL says the same."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vidik.kernel.identity.reach import CITYS, EVERYWHERE, Belonging, Place, Reach
from vidik.kernel.services import Services

ORGANISATIONS = st.sampled_from(["parking", "toplana", "vodovod", "it's; --"])
AREAS = st.sampled_from(["crveni-krst", "medijana", "niska-banja"])
LOGINS = st.sampled_from(["ana", "mira", "vesna"])

places = st.builds(Place, st.none() | ORGANISATIONS, st.none() | AREAS)
reaches = st.builds(Reach, st.frozensets(places, max_size=4), LOGINS)
things = st.builds(
    Belonging, st.frozensets(ORGANISATIONS, max_size=3), st.frozensets(AREAS, max_size=3), st.frozensets(LOGINS)
)


@given(things)
def test_a_role_in_the_whole_city_reaches_everything(thing):
    assert EVERYWHERE.includes(thing)
    assert Reach(frozenset({Place()}), "ana").includes(thing)


@given(things)
def test_who_may_it_nowhere_reaches_nothing_not_even_what_they_lead(thing):
    assert not Reach(login="ana").includes(thing)


@given(reaches)
def test_what_has_neither_organisation_nor_place_needs_a_role_without_either(reach):
    assert reach.includes(CITYS) == reach.is_everywhere


@given(places, things)
def test_one_place_reaches_what_belongs_to_its_organisation_and_lies_in_its_area(place, thing):
    of_it = place.organisation is None or place.organisation in thing.organisations
    in_it = place.area is None or place.area in thing.areas

    assert Reach(frozenset({place}), "nobody").includes(thing) == (of_it and in_it)


@given(reaches, reaches, things)
def test_more_places_never_reach_less(one, other, thing):
    both = Reach(one.places | other.places, one.login)

    assert both.includes(thing) >= one.includes(thing)
    if both.includes(thing) and one.login not in thing.people:
        assert one.includes(thing) or Reach(other.places, one.login).includes(thing)


@given(reaches, things, things)
def test_what_belongs_to_more_is_never_reached_by_fewer(reach, thing, more):
    wider = Belonging(thing.organisations | more.organisations, thing.areas | more.areas, thing.people | more.people)

    assert reach.includes(wider) >= reach.includes(thing)


@given(reaches, things)
def test_who_leads_it_reaches_it_wherever_they_may_it_at_all(reach, thing):
    led = Belonging(thing.organisations, thing.areas, thing.people | {reach.login})

    assert reach.includes(led) == bool(reach.places)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asking=st.lists(reaches, min_size=5, max_size=5), asked=st.lists(things, min_size=20, max_size=20))
async def test_the_condition_of_sql_chooses_what_the_rule_includes(services: Services, asking, asked):
    rows = [(n, sorted(one.organisations), sorted(one.areas), sorted(one.people)) for n, one in enumerate(asked)]
    things_there = "(VALUES " + ", ".join(["(%s, %s::text[], %s::text[], %s::text[])"] * len(rows)) + ")"
    flat = [part for row in rows for part in row]
    async with services.database.session("city") as connection:
        for reach in asking:
            condition, parameters = reach.condition(people="people")
            cursor = await connection.execute(
                f"SELECT n FROM {things_there} AS thing (n, organisations, areas, people) WHERE {condition}",
                [*flat, *parameters],
            )
            chosen = {row["n"] for row in await cursor.fetchall()}

            assert chosen == {n for n, one in enumerate(asked) if reach.includes(one)}
