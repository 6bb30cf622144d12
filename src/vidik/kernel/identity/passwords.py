"""Passwords: what is good enough, and argon2id in threads of its own."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from vidik.kernel.errors import BadInput, Unavailable

Result = TypeVar("Result")

SHORTEST = 10
LONGEST = 256
_WORDS = "abcdefghjkmnpqrstuvwxyz23456789"  # without letters that look alike
_GENERATED_GROUPS = 4
_GENERATED_GROUP_LENGTH = 5

# One hash takes tens of MiB: more at once would be a way to exhaust the machine from outside.
_HASHING = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
_MOST_WAITING = 32
_waiting = 0


class Passwords:
    """Hashes and verifies passwords with one cost; `memory_kib` is the memory that one hash takes."""

    def __init__(self, memory_kib: int) -> None:
        self._hasher = PasswordHasher(time_cost=3, memory_cost=memory_kib, parallelism=1)
        # What an unknown login is compared with, so that it takes as long as a known one.
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))

    async def hash(self, password: str) -> str:
        """The encoded argon2id hash of a password."""
        return await _in_thread(self._hasher.hash, password)

    async def verify(self, encoded: str | None, password: str) -> bool:
        """Whether the password is right; without a hash it takes as long and is False."""
        right = await _in_thread(self._verify, encoded or self._nobody, password)
        return right and encoded is not None

    def outdated(self, encoded: str) -> bool:
        """Whether a hash was made with another cost than today's."""
        return self._hasher.check_needs_rehash(encoded)

    def _verify(self, encoded: str, password: str) -> bool:
        try:
            return self._hasher.verify(encoded, password)
        except (VerificationError, InvalidHashError):
            return False


@lru_cache(maxsize=4)
def passwords(memory_kib: int) -> Passwords:
    """The hasher of a cost; made once, because what unknown logins are compared with takes a hash to make."""
    return Passwords(memory_kib)


def check_password(password: str, *, login: str, field: str = "password") -> None:
    """Raise BadInput with a sentence when a password is too short, too long, too common or the login itself."""
    if len(password) < SHORTEST:
        raise BadInput(f"A password needs at least {SHORTEST} characters.", field=field, code="password-short")
    if len(password) > LONGEST:
        raise BadInput(f"A password has at most {LONGEST} characters.", field=field, code="password-long")
    folded = password.casefold()
    if len(set(folded)) < 4 or _stem(folded) in _common():
        raise BadInput("This password is among the first that are tried.", field=field, code="password-common")
    if login and login.casefold() in folded:
        raise BadInput("A password must not contain the login.", field=field, code="password-login")


def generate_password() -> str:
    """A password made for somebody, 99 random bits, easy to read aloud: k7mpq-4x9za-…"""
    groups = ("".join(secrets.choice(_WORDS) for _ in range(_GENERATED_GROUP_LENGTH)) for _ in range(_GENERATED_GROUPS))
    return "-".join(groups)


def _stem(folded: str) -> str:
    """A password without the digits and signs that people add at its ends: "Password123!" is "password"."""
    stem = folded.strip("0123456789!?.,-_#*+@$ ")
    return stem or folded


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    text = Path(__file__).with_name("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.split() if line)


async def _in_thread(work: Callable[..., Result], *arguments: str) -> Result:
    global _waiting
    if _waiting >= _MOST_WAITING:
        raise Unavailable("Too many people are signing in at this moment; please try again.")
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_HASHING, work, *arguments)
    finally:
        _waiting -= 1
