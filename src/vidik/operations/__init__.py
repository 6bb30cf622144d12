"""The command centre's reflexes: rules judge the change stream, alarms are raised, acknowledged and cleared."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vidik.kernel.modules import ChangeConsumer, Module, PeriodicJob

if TYPE_CHECKING:
    from fastapi import APIRouter
    from starlette.routing import BaseRoute


def _api_routers() -> "Sequence[APIRouter]":
    from vidik.operations import organisations_api
    from vidik.operations.alarms import api, groups_api, holds_api, performance_api
    from vidik.operations.duty import api as duty_api
    from vidik.operations.duty import handover_api, plans_api
    from vidik.operations.exercises import api as exercises_api
    from vidik.operations.incidents import actions_api as incident_actions_api
    from vidik.operations.incidents import api as incidents_api
    from vidik.operations.procedures import api as procedures_api
    from vidik.operations.procedures import runs_api as procedure_runs_api
    from vidik.operations.requests import api as requests_api
    from vidik.operations.rule_changes import api as rules_api
    from vidik.operations.rule_changes import trials_api
    from vidik.operations.tasks import api as tasks_api
    from vidik.operations.tasks import crews_api
    from vidik.operations.warnings import api as warnings_api

    # Before the alarms: their numbers would take "performance" for one.
    return [
        organisations_api.router,
        performance_api.router,
        api.router,
        groups_api.router,
        holds_api.router,
        trials_api.router,
        rules_api.router,
        incidents_api.router,
        incident_actions_api.router,
        requests_api.router,
        tasks_api.router,
        crews_api.router,
        duty_api.router,
        plans_api.router,
        handover_api.router,
        warnings_api.router,
        exercises_api.router,
        procedures_api.router,
        procedure_runs_api.router,
    ]


def _consumers() -> Sequence[ChangeConsumer]:
    from vidik.operations.alarms.consumer import AlarmConsumer
    from vidik.operations.requests.consumer import RequestConsumer

    return [AlarmConsumer(), RequestConsumer()]


def _periodic() -> Sequence[PeriodicJob]:
    from vidik.operations.duty import jobs as duty
    from vidik.operations.exercises import jobs as exercises
    from vidik.operations.incidents.forgetting import forget_people
    from vidik.operations.incidents.jobs import FORGETTING_EVERY_SECONDS, INCIDENTS_EVERY_SECONDS, open_by_alarms
    from vidik.operations.jobs import (
        HOLDS_EVERY_SECONDS,
        JOURNAL_EVERY_SECONDS,
        SILENCE_EVERY_SECONDS,
        TRIALS_EVERY_SECONDS,
        SilenceWatch,
        forget_old_work,
        look_at_holds,
        work_trials_off,
    )
    from vidik.operations.procedures import jobs as procedures
    from vidik.operations.requests import jobs as requests
    from vidik.operations.requests.settling import Settling
    from vidik.operations.tasks.jobs import (
        DUTIES_EVERY_SECONDS,
        POSITIONS_EVERY_SECONDS,
        end_duties,
        forget_positions,
    )
    from vidik.operations.warnings import jobs as warnings

    return [
        PeriodicJob("operations.silence", SILENCE_EVERY_SECONDS, SilenceWatch().run),
        PeriodicJob("operations.holds", HOLDS_EVERY_SECONDS, look_at_holds),
        PeriodicJob("operations.trials", TRIALS_EVERY_SECONDS, work_trials_off),
        PeriodicJob("operations.journal", JOURNAL_EVERY_SECONDS, forget_old_work),
        PeriodicJob("operations.incidents", INCIDENTS_EVERY_SECONDS, open_by_alarms),
        PeriodicJob("operations.incident-people", FORGETTING_EVERY_SECONDS, forget_people),
        PeriodicJob("operations.requests", requests.SETTLE_EVERY_SECONDS, Settling().run),
        PeriodicJob("operations.request-people", requests.FORGET_EVERY_SECONDS, requests.forget_people),
        PeriodicJob("operations.duties", DUTIES_EVERY_SECONDS, end_duties),
        PeriodicJob("operations.positions", POSITIONS_EVERY_SECONDS, forget_positions),
        PeriodicJob("operations.on-call", duty.ESCALATE_EVERY_SECONDS, duty.ask_the_next),
        PeriodicJob("operations.messages", duty.SEND_EVERY_SECONDS, duty.send_messages),
        PeriodicJob("operations.duty-people", duty.FORGET_EVERY_SECONDS, duty.forget),
        PeriodicJob("operations.warned", warnings.TELL_EVERY_SECONDS, warnings.tell_browsers),
        PeriodicJob("operations.warnings-end", warnings.EXPIRE_EVERY_SECONDS, warnings.expire),
        PeriodicJob("operations.warned-people", warnings.FORGET_EVERY_SECONDS, warnings.forget),
        PeriodicJob("operations.procedures", procedures.CLOCK_EVERY_SECONDS, procedures.watch_the_clock),
        PeriodicJob("operations.procedures-packaged", procedures.PACKAGED_EVERY_SECONDS, procedures.settle_packaged),
        PeriodicJob("operations.procedure-people", procedures.FORGET_EVERY_SECONDS, procedures.forget_people),
        PeriodicJob("operations.exercises", exercises.PLAY_EVERY_SECONDS, exercises.play_on),
        PeriodicJob("operations.exercise-people", exercises.FORGET_EVERY_SECONDS, exercises.forget),
    ]


def _routes() -> "Sequence[BaseRoute]":
    from vidik.operations.warnings import public

    return public.routes()


MODULE = Module(name="operations", routes=_routes, api_routers=_api_routers, consumers=_consumers, periodic=_periodic)
