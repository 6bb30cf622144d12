"""All SQL of accounts, sessions, tokens and the sign-in brake (platform schema)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from vidik.kernel.database import Connection
from vidik.kernel.identity.roles import Grant, in_order
from vidik.kernel.identity.throttle import State

Row = dict[str, Any]

_GRANTS = """
    (SELECT coalesce(jsonb_agg(jsonb_build_array(role, organisation, area)
                              ORDER BY role, organisation, area), '[]')
       FROM platform.account_role
      WHERE account_role.account = account.id) AS grants
"""
_ACCOUNT = f"""
    account.id, account.tenant, account.login, account.name, account.organisation, account.enabled,
    account.ends_at, account.created_at, account.password_hash, account.password_initial,
    account.password_changed_at, {_GRANTS},
    EXISTS (SELECT FROM platform.account_link WHERE account_link.account = account.id) AS linked
"""
_STANDS = "account.enabled AND (account.ends_at IS NULL OR account.ends_at > now())"


async def account_by_login(connection: Connection, tenant: str, login: str) -> Row | None:
    """An account by its login (lower case), whether or not it may sign in."""
    query = f"SELECT {_ACCOUNT}, {_STANDS} AS stands FROM platform.account WHERE tenant = %s AND login = %s"
    return await (await connection.execute(query, [tenant, login])).fetchone()


async def account_by_id(connection: Connection, tenant: str, account: int) -> Row | None:
    """An account of a tenant by its number, locked until the transaction ends."""
    query = f"""
        SELECT {_ACCOUNT}, {_STANDS} AS stands
          FROM platform.account
         WHERE tenant = %s AND id = %s
           FOR UPDATE OF account
    """
    return await (await connection.execute(query, [tenant, account])).fetchone()


async def accounts(connection: Connection, tenant: str) -> list[Row]:
    """Every account of a tenant, with the time of its newest session."""
    query = f"""
        SELECT {_ACCOUNT}, {_STANDS} AS stands,
               (SELECT max(last_seen_at) FROM platform.session WHERE session.account = account.id) AS last_seen_at
          FROM platform.account
         WHERE tenant = %s
         ORDER BY login
    """
    return await (await connection.execute(query, [tenant])).fetchall()


async def insert_account(connection: Connection, values: Mapping[str, Any]) -> int | None:
    """Insert an account and return its number, or None when the login is taken."""
    query = """
        INSERT INTO platform.account
               (tenant, login, name, organisation, password_hash, password_initial, password_changed_at, ends_at)
        VALUES (%(tenant)s, %(login)s, %(name)s, %(organisation)s, %(password_hash)s, %(password_initial)s,
                CASE WHEN %(password_hash)s::text IS NOT NULL THEN now() END, %(ends_at)s)
        ON CONFLICT (tenant, login) DO NOTHING
        RETURNING id
    """
    row = await (await connection.execute(query, values)).fetchone()
    return None if row is None else row["id"]


async def update_account(connection: Connection, account: int, values: Mapping[str, Any]) -> None:
    """Set name, organisation, enabled and end date."""
    await connection.execute(
        """
        UPDATE platform.account
           SET name = %(name)s,
               organisation = %(organisation)s,
               enabled = %(enabled)s,
               ends_at = %(ends_at)s
         WHERE id = %(id)s
        """,
        {**values, "id": account},
    )


async def set_password(connection: Connection, account: int, password_hash: str, *, initial: bool) -> None:
    """Store a new password's hash; `initial` when the person did not choose it."""
    await connection.execute(
        """
        UPDATE platform.account
           SET password_hash = %s, password_initial = %s, password_changed_at = now()
         WHERE id = %s
        """,
        [password_hash, initial, account],
    )


async def rehash_password(connection: Connection, account: int, password_hash: str) -> None:
    """Store the same password under today's cost."""
    await connection.execute("UPDATE platform.account SET password_hash = %s WHERE id = %s", [password_hash, account])


async def replace_roles(connection: Connection, account: int, grants: Iterable[Grant]) -> None:
    """Give an account exactly these roles."""
    await connection.execute("DELETE FROM platform.account_role WHERE account = %s", [account])
    held = in_order(grants)
    await connection.execute(
        """
        INSERT INTO platform.account_role (account, role, organisation, area)
        SELECT %s, role, organisation, area
          FROM unnest(%s::text[], %s::text[], %s::text[]) AS held (role, organisation, area)
        """,
        [account, [one.role for one in held], [one.organisation for one in held], [one.area for one in held]],
    )


async def other_administrators(connection: Connection, tenant: str, account: int) -> int:
    """How many other accounts that may sign in administer the whole city."""
    query = f"""
        SELECT count(*) AS count
          FROM platform.account
          JOIN platform.account_role ON account_role.account = account.id
         WHERE tenant = %s AND account.id <> %s AND {_STANDS} AND password_hash IS NOT NULL
           AND role = 'administrator' AND account_role.organisation IS NULL AND area IS NULL
    """
    row = await (await connection.execute(query, [tenant, account])).fetchone()
    return 0 if row is None else int(row["count"])


async def insert_session(connection: Connection, values: Mapping[str, Any]) -> int:
    """Insert a session and return its number."""
    query = """
        INSERT INTO platform.session (secret_hash, account, expires_at, address, browser, began_by)
        VALUES (%(secret_hash)s, %(account)s, now() + %(lifetime)s, %(address)s, %(browser)s, %(began_by)s)
        RETURNING id
    """
    row = await (await connection.execute(query, values)).fetchone()
    return 0 if row is None else int(row["id"])


async def account_by_session(connection: Connection, secret_hash: bytes, idle: Any) -> Row | None:
    """The account behind a session that still stands, with the session's number, last use and end."""
    query = f"""
        SELECT {_ACCOUNT}, session.id AS session, session.expires_at AS session_expires_at,
               session.last_seen_at < now() - interval '1 minute' AS stale, crew_device.name AS phone
          FROM platform.session
          JOIN platform.account ON account.id = session.account
          LEFT JOIN platform.crew_device ON crew_device.id = session.device
         WHERE session.secret_hash = %s AND session.expires_at > now()
           AND session.last_seen_at > now() - %s AND {_STANDS}
    """
    return await (await connection.execute(query, [secret_hash, idle])).fetchone()


async def touch_session(connection: Connection, session: int) -> None:
    """Note that a session is in use."""
    await connection.execute("UPDATE platform.session SET last_seen_at = now() WHERE id = %s", [session])


async def sessions(connection: Connection, account: int) -> list[Row]:
    """The sessions of an account that have not ended."""
    query = """
        SELECT session.id, created_at, session.last_seen_at, expires_at, address, browser, began_by,
               crew_device.name AS phone
          FROM platform.session
          LEFT JOIN platform.crew_device ON crew_device.id = session.device
         WHERE account = %s AND expires_at > now()
         ORDER BY session.last_seen_at DESC, session.id DESC
    """
    return await (await connection.execute(query, [account])).fetchall()


async def delete_session(connection: Connection, account: int, session: int) -> bool:
    """End one session of an account; False when there is none."""
    query = "DELETE FROM platform.session WHERE account = %s AND id = %s"
    return (await connection.execute(query, [account, session])).rowcount > 0


async def delete_session_by_secret(connection: Connection, secret_hash: bytes) -> str | None:
    """End the session that a cookie names, and say how it began; None when there is none."""
    query = "DELETE FROM platform.session WHERE secret_hash = %s RETURNING began_by"
    row = await (await connection.execute(query, [secret_hash])).fetchone()
    return None if row is None else str(row["began_by"])


async def delete_sessions(connection: Connection, account: int, *, except_session: int | None = None) -> int:
    """End every session of an account, but one if it is named; how many that were."""
    query = "DELETE FROM platform.session WHERE account = %s AND id IS DISTINCT FROM %s"
    return (await connection.execute(query, [account, except_session])).rowcount


async def insert_token(connection: Connection, values: Mapping[str, Any]) -> Row:
    """Insert an API token and return its row."""
    query = """
        INSERT INTO platform.api_token (secret_hash, account, name, scopes, expires_at)
        VALUES (%(secret_hash)s, %(account)s, %(name)s, %(scopes)s, now() + %(lifetime)s)
        RETURNING id, name, scopes, created_at, expires_at, last_used_at
    """
    row = await (await connection.execute(query, values)).fetchone()
    if row is None:
        raise LookupError("the token was not stored")
    return row


async def account_by_token(connection: Connection, secret_hash: bytes) -> Row | None:
    """The account behind an API token that still stands, with the token's number, name, scopes and end."""
    query = f"""
        SELECT {_ACCOUNT}, api_token.id AS token, api_token.name AS token_name, scopes,
               api_token.expires_at AS token_expires_at,
               last_used_at IS NULL OR last_used_at < now() - interval '1 minute' AS stale
          FROM platform.api_token
          JOIN platform.account ON account.id = api_token.account
          LEFT JOIN platform.account_link ON account_link.account = account.id
         WHERE secret_hash = %s AND api_token.expires_at > now() AND {_STANDS}
           AND (account_link.account IS NULL OR account_link.tokens_until > now())
    """
    return await (await connection.execute(query, [secret_hash])).fetchone()


async def touch_token(connection: Connection, token: int) -> None:
    """Note that a token is in use."""
    await connection.execute("UPDATE platform.api_token SET last_used_at = now() WHERE id = %s", [token])


async def tokens(connection: Connection, tenant: str, account: int | None) -> list[Row]:
    """API tokens of one account, or of the whole tenant; never their secrets."""
    query = """
        SELECT api_token.id, api_token.name, scopes, api_token.created_at, expires_at, last_used_at,
               account.login, account.id AS account
          FROM platform.api_token
          JOIN platform.account ON account.id = api_token.account
         WHERE account.tenant = %(tenant)s
           AND (%(account)s::bigint IS NULL OR account.id = %(account)s)
         ORDER BY api_token.id
    """
    return await (await connection.execute(query, {"tenant": tenant, "account": account})).fetchall()


async def delete_token(connection: Connection, tenant: str, token: int, account: int | None) -> str | None:
    """Revoke a token (of one account, when named) and return its name; None when there is none."""
    query = """
        DELETE FROM platform.api_token
         USING platform.account
         WHERE account.id = api_token.account
           AND account.tenant = %(tenant)s
           AND api_token.id = %(token)s
           AND (%(account)s::bigint IS NULL OR account.id = %(account)s)
     RETURNING api_token.name
    """
    criteria = {"tenant": tenant, "token": token, "account": account}
    row = await (await connection.execute(query, criteria)).fetchone()
    return None if row is None else row["name"]


async def delete_tokens_named(connection: Connection, account: int, name: str) -> None:
    """Revoke the tokens of one name (a service that gets a new one)."""
    await connection.execute("DELETE FROM platform.api_token WHERE account = %s AND name = %s", [account, name])


async def lock_throttle(connection: Connection, key: bytes, now: datetime) -> State:
    """The brake's state under a key, made when missing, locked until the transaction ends."""
    await connection.execute(
        """
        INSERT INTO platform.sign_in_throttle (key, failures, last_attempt, blocked_until)
        VALUES (%s, 0, %s, %s)
        ON CONFLICT (key) DO NOTHING
        """,
        [key, now, now],
    )
    query = """
        SELECT failures, last_attempt, blocked_until
          FROM platform.sign_in_throttle
         WHERE key = %s
           FOR UPDATE
    """
    row = await (await connection.execute(query, [key])).fetchone()
    return State(0, now, now) if row is None else State(**row)


async def save_throttle(connection: Connection, key: bytes, state: State) -> None:
    """Store the brake's state under a key."""
    await connection.execute(
        """
        UPDATE platform.sign_in_throttle
           SET failures = %s, last_attempt = %s, blocked_until = %s
         WHERE key = %s
        """,
        [state.failures, state.last_attempt, state.blocked_until, key],
    )


async def delete_throttle(connection: Connection, key: bytes) -> None:
    """Forget the failures under a key."""
    await connection.execute("DELETE FROM platform.sign_in_throttle WHERE key = %s", [key])


async def is_known(connection: Connection, key: bytes) -> bool:
    """Whether this pair of account and address has signed in before."""
    query = "SELECT 1 AS known FROM platform.sign_in_known WHERE key = %s"
    return await (await connection.execute(query, [key])).fetchone() is not None


async def remember_known(connection: Connection, key: bytes) -> None:
    """Note that this pair of account and address has signed in."""
    await connection.execute(
        """
        INSERT INTO platform.sign_in_known (key, last_success) VALUES (%s, now())
        ON CONFLICT (key) DO UPDATE SET last_success = now()
        """,
        [key],
    )
