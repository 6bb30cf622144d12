"""Device profiles: how each kind of device speaks, as data. Pure: bytes in, readings out."""

from vidik.intake.profiles.load import LIBRARY, ProfileError, load_profile, load_profiles, parse_profile
from vidik.intake.profiles.profile import MAX_PAYLOAD_BYTES, AttributeSpec, Profile
from vidik.intake.profiles.reading import Reading, Rejected, Value

__all__ = [
    "LIBRARY",
    "MAX_PAYLOAD_BYTES",
    "AttributeSpec",
    "Profile",
    "ProfileError",
    "Reading",
    "Rejected",
    "Value",
    "load_profile",
    "load_profiles",
    "parse_profile",
]
