"""Alarms of before call a citizens' request by its house; more people read alarms than requests (decision 44).

They keep the street, as new ones say it (operations/entities.py). Their events, the audit record and signed handovers
stay as they were written.
"""

from alembic import op

revision = "t0037_streets"
down_revision = "t0036_half_pages"


def upgrade() -> None:
    op.execute(CUT)


def downgrade() -> None:
    """What was cut is known to nobody."""


# A letter after "12." makes it a day that a street is called after. It is said by what it is not: where a database
# knows letters of ASCII only, [:alpha:] has no Cyrillic ones.
CUT = r"""
    UPDATE alarm
       SET entity_name = said.street
      FROM (SELECT id,
                   coalesce(
                       nullif(btrim(regexp_replace(
                           entity_name, '(,|\s+\d+(?!\d|\.\s*[^[:digit:][:space:][:punct:]])).*$', '')), ''),
                       regexp_replace(entity_id, '^.*:', '')) AS street
              FROM alarm
             WHERE split_part(entity_id, ':', 3) = 'service_requests'
                OR entity_id IN (SELECT entity.id
                                   FROM (SELECT id, kind FROM entity
                                          UNION ALL
                                         SELECT id, kind FROM entity_gone) AS entity
                                   JOIN kind USING (kind)
                                  WHERE EXISTS (SELECT FROM unnest(types) AS one
                                                 WHERE right(one, 16) = 'service_requests'))) AS said
     WHERE alarm.id = said.id
       AND alarm.entity_name <> said.street;
"""
