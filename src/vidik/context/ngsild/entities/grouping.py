"""Group commit: concurrent small writes of a tenant share one transaction, and each has its own answer.

What arrives while a group is being committed is the next one; where many wait, a second group is made ready while
the first waits for the disk. An entity is at most once in the groups under way, so that its changes stay apart in
history and in the change stream, in the order in which they came. Nobody is answered before the commit. When the
group as a whole fails by one of its members, each is written alone, and only that one fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import psycopg

from vidik.context.ngsild.entities import writing
from vidik.context.ngsild.entities.merge import Result
from vidik.context.ngsild.entities.writing import Task
from vidik.context.store import entities
from vidik.kernel import audit
from vidik.kernel.database import Connection, Database
from vidik.kernel.errors import Conflict, Unavailable
from vidik.kernel.identity import Principal

LARGEST_GROUP: Final = 128
# So many must wait for a second group to be worth its way to the database.
SECOND_GROUP_FROM: Final = 16
_STOPPING: Final = "The broker is stopping; please try again."
# Connection exceptions and operator intervention: nobody knows whether the commit happened, or it will not soon.
_LOST: Final = ("08", "57")


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A task, who asked for it and as which operation, and the answer owed."""

    task: Task
    principal: Principal
    operation: str
    answer: asyncio.Future[Result]

    def settle(self, outcome: Result | BaseException) -> None:
        if self.answer.done():
            return
        if isinstance(outcome, Result):
            self.answer.set_result(outcome)
            return
        self.answer.set_exception(outcome if isinstance(outcome, Exception) else Unavailable(_STOPPING))
        self.answer.exception()  # a client that went away leaves nobody to take it


@dataclass(slots=True)
class _Queue:
    """Who waits for a tenant's groups, which entities are in one, and how many tasks write groups."""

    waiting: list[_Waiting] = field(default_factory=list)
    under_way: set[str] = field(default_factory=set)
    servers: int = 0

    def needs_a_server(self) -> bool:
        """Whether one more task should write: the first for anybody, a second for many, never a third."""
        return self.servers == 0 or (self.servers == 1 and len(self.waiting) >= SECOND_GROUP_FROM)

    def next_group(self) -> list[_Waiting]:
        """Take the next group, each entity once and none that is under way; who is left waits on, in order."""
        group: list[_Waiting] = []
        later: list[_Waiting] = []
        for one in self.waiting:
            if len(group) < LARGEST_GROUP and one.task.entity_id not in self.under_way:
                self.under_way.add(one.task.entity_id)
                group.append(one)
            else:
                later.append(one)
        self.waiting = later
        return group

    def release(self, group: Sequence[_Waiting]) -> None:
        """Say that a group is done."""
        self.under_way.difference_update(one.task.entity_id for one in group)


class GroupWriter:
    """Writes for every tenant. One a process; at most two transactions at a time a tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queues: dict[str, _Queue] = {}
        self._servers: set[asyncio.Task[None]] = set()

    async def perform(self, tenant: str, task: Task, principal: Principal, operation: str) -> Result:
        """Do a task; returns after the commit. Raises the task's own error.

        Persons' writes go into the audit record in the same transaction. Cancelling the caller takes nothing back.
        """
        waiting = _Waiting(task, principal, operation, asyncio.get_running_loop().create_future())
        queue = self._queues.setdefault(tenant, _Queue())
        queue.waiting.append(waiting)
        if queue.needs_a_server():
            queue.servers += 1
            server = asyncio.create_task(self._serve(tenant, queue), name="group commit")
            self._servers.add(server)
            server.add_done_callback(self._servers.discard)
        return await waiting.answer

    async def _serve(self, tenant: str, queue: _Queue) -> None:
        """Write groups until nobody waits, or only for what the other server has under way."""
        group: list[_Waiting] = []
        try:
            while group := queue.next_group():
                await self._write(tenant, group)
                queue.release(group)
        except BaseException as error:
            for one in (*group, *queue.waiting):
                one.settle(error)
            queue.waiting.clear()
            if not isinstance(error, Exception):
                raise
        finally:
            queue.release(group)
            queue.servers -= 1

    async def _write(self, tenant: str, group: Sequence[_Waiting]) -> None:
        try:
            outcomes = await self._commit(tenant, group)
        except Exception as error:
            if len(group) > 1 and not _is_lost(error):
                for one in group:
                    await self._write(tenant, [one])
                return
            outcomes = [error] * len(group)
        for one, outcome in zip(group, outcomes, strict=True):
            one.settle(outcome)

    async def _commit(self, tenant: str, group: Sequence[_Waiting]) -> list[Result | Exception]:
        try:
            return await self._commit_once(tenant, group)
        except Conflict:
            async with self._database.transaction(tenant) as connection:
                if not await entities.make_way(connection, [one.task.entity_id for one in group]):
                    raise
            return await self._commit_once(tenant, group)

    async def _commit_once(self, tenant: str, group: Sequence[_Waiting]) -> list[Result | Exception]:
        async with self._database.pipelined(tenant) as connection:
            outcomes = await writing.perform(connection, [one.task for one in group])
            await _note(connection, group, outcomes)
        return outcomes


async def _note(connection: Connection, group: Sequence[_Waiting], outcomes: Sequence[Result | Exception]) -> None:
    """Put what persons did into the audit record, last before the commit."""
    for one, outcome in zip(group, outcomes, strict=True):
        if isinstance(outcome, Result):
            await audit.record_writes(connection, one.principal, one.operation, [one.task.entity_id])


def _is_lost(error: Exception) -> bool:
    return isinstance(error, psycopg.OperationalError) and (error.sqlstate is None or error.sqlstate[:2] in _LOST)
