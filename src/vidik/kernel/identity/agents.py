"""Which browser on which system, coarsely: enough to know one's own devices again, too little to know a person by."""

from typing import Final

# In this order: most browsers also name those whose pages they want to be served.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def coarse(user_agent: str | None) -> str | None:
    """A browser's own description made short, "Firefox, Linux"; None when it says nothing that we know."""
    if not user_agent:
        return None
    found = [next((name for mark, name in known if mark in user_agent), None) for known in (_BROWSERS, _SYSTEMS)]
    return ", ".join(name for name in found if name) or None
