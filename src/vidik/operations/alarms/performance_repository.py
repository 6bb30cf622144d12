"""SQL of how the alarms behaved."""

from datetime import datetime, timedelta

from vidik.kernel.database import Connection
from vidik.kernel.identity.reach import EVERYWHERE, Reach, named
from vidik.operations.alarms.performance import Call, Stands
from vidik.operations.rules.signals import AlarmKey

_OF_THE_PAST = timedelta(hours=1)
_FILLING = timedelta(minutes=10)


async def calls_between(
    connection: Connection, begin: datetime, end: datetime, reach: Reach = EVERYWHERE
) -> list[Call]:
    """Return every call of a time within reach, in order, each with how long it lasted; exercises called nobody.

    Nor did the past that a simulated or recorded city is filled with at its first start: readings of more than an
    hour ago, and what the ten minutes after them raised of the same alarms.
    """
    within, parameters = named(reach.condition("a.organisations", "a.areas"))
    cursor = await connection.execute(
        f"""
        SELECT e.at, a.rule, a.entity_id, a.attribute, a.entity_name, a.priority, over.at AS over_at
          FROM alarm_event e
          JOIN alarm a ON a.id = e.alarm
          LEFT JOIN LATERAL (
            SELECT at
              FROM alarm_event
             WHERE alarm = e.alarm
               AND id > e.id
               AND transition IN ('cleared', 'latched', 'faded')
             ORDER BY id
             LIMIT 1
         ) AS over ON true
         WHERE e.transition = 'raised'
           AND a.exercise_id IS NULL
           AND NOT (a.origin <> 'real'
                    AND a.raised_at - a.observed_at > %(past)s
                    AND e.at - a.raised_at < %(filling)s)
           AND e.at >= %(begin)s
           AND e.at < %(end)s
           AND {within}
         ORDER BY e.at, e.id
        """,
        {"begin": begin, "end": end, "past": _OF_THE_PAST, "filling": _FILLING, **parameters},
    )
    return [
        Call(
            row["at"],
            AlarmKey(row["rule"], row["entity_id"], row["attribute"]),
            row["entity_name"],
            row["priority"],
            row["over_at"] - row["at"] if row["over_at"] else None,
        )
        for row in await cursor.fetchall()
    ]


async def standing_at(connection: Connection, moment: datetime, reach: Reach = EVERYWHERE) -> list[Stands]:
    """Return the alarms within reach that were raised before a time and not over then; not what is hidden."""
    within, parameters = reach.condition()
    cursor = await connection.execute(
        f"""
        SELECT rule, entity_id, attribute, entity_name, raised_at
          FROM alarm
         WHERE raised_at < %s
           AND exercise_id IS NULL
           AND (cleared_at IS NULL OR cleared_at >= %s)
           AND hidden_by IS NULL
           AND {within}
         ORDER BY raised_at, id
        """,
        [moment, moment, *parameters],
    )
    return [
        Stands(AlarmKey(row["rule"], row["entity_id"], row["attribute"]), row["entity_name"], row["raised_at"])
        for row in await cursor.fetchall()
    ]
