"""Exercise twins: entities that stand in for assets while an exercise is played, so that the real ones stay untouched.

A twin's id names its exercise, and its type is the asset's with a word before it. Whoever asks the city's memory for
substations, or subscribes to them, never meets one; who follows everything sees by id and type what it is.
"""

ID_PREFIX = "urn:ngsi-ld:Exercise:"
TYPE_PREFIX = "Exercise"
ORIGIN = "exercise"
"""What alarms of twins say in the place of real, simulated or recorded."""


def twin_id(exercise: int, code: str) -> str:
    """Return the id of a twin in an exercise."""
    return f"{ID_PREFIX}{exercise}:{code}"


def twin_type(entity_type: str) -> str:
    """Return the short name of the type that twins of an asset's type have."""
    return f"{TYPE_PREFIX}{entity_type}"


def exercise_of(entity_id: str) -> int | None:
    """Return the exercise to which an entity belongs, or None for the real city."""
    if not entity_id.startswith(ID_PREFIX):
        return None
    number = entity_id.removeprefix(ID_PREFIX).partition(":")[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else None
