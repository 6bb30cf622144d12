"""The operations that a registration may name, and their groups (ETSI GS CIM 009, clause 4.20)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_PROVISION: Final = (
    "createEntity",
    "updateEntity",
    "appendAttrs",
    "updateAttrs",
    "deleteAttrs",
    "deleteEntity",
    "mergeEntity",
    "replaceEntity",
    "replaceAttrs",
    "purgeEntity",
    "createBatch",
    "upsertBatch",
    "updateBatch",
    "deleteBatch",
    "mergeBatch",
)
_TEMPORAL: Final = (
    "upsertTemporal",
    "appendAttrsTemporal",
    "deleteAttrsTemporal",
    "updateAttrsTemporal",
    "updateAttrInstanceTemporal",
    "deleteAttrInstanceTemporal",
    "deleteTemporal",
    "retrieveTemporal",
    "queryTemporal",
)
_ASSOCIATION: Final = (
    "retrieveEntity",
    "queryEntity",
    "queryBatch",
    "retrieveEntityTypes",
    "retrieveEntityTypeDetails",
    "retrieveEntityTypeInfo",
    "retrieveAttrTypes",
    "retrieveAttrTypeDetails",
    "retrieveAttrTypeInfo",
    "createSubscription",
    "updateSubscription",
    "retrieveSubscription",
    "querySubscription",
    "deleteSubscription",
    "retrieveContextSourceIdentity",
)
_ENTITY_MAPS: Final = (
    "retrieveEntityMap",
    "updateEntityMap",
    "deleteEntityMap",
    "createEntityMap",
    "createEntityMapQueryEntity",
    "createEntityMapQueryTemporal",
)
_REDIRECTION: Final = (
    "createEntity",
    "updateEntity",
    "appendAttrs",
    "updateAttrs",
    "deleteAttrs",
    "deleteEntity",
    "mergeEntity",
    "replaceEntity",
    "replaceAttrs",
    "retrieveEntity",
    "queryEntity",
    "purgeEntity",
    "retrieveEntityTypes",
    "retrieveEntityTypeDetails",
    "retrieveEntityTypeInfo",
    "retrieveAttrTypes",
    "retrieveAttrTypeDetails",
    "retrieveAttrTypeInfo",
)
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "federationOps": (*_ASSOCIATION, *_ENTITY_MAPS[:3], "createEntityMapQueryEntity"),
    "associationOps": _ASSOCIATION,
    "updateOps": ("updateEntity", "updateAttrs", "replaceEntity", "replaceAttrs"),
    "retrieveOps": ("retrieveEntity", "queryEntity"),
    "redirectionOps": _REDIRECTION,
}
DEFAULT: Final = ("federationOps",)
TEMPORAL: Final = frozenset(_TEMPORAL)
OPERATIONS: Final = frozenset((*_PROVISION, *_TEMPORAL, *_ASSOCIATION, *_ENTITY_MAPS))


def operations_of(names: Iterable[str]) -> frozenset[str]:
    """The operations that names of operations and groups stand for; unknown names stand for nothing."""
    return frozenset(one for name in names for one in GROUPS.get(name, (name,)) if one in OPERATIONS)
