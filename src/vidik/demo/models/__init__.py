"""How each kind of asset behaves over a day, a week and the weather: one small pure file a service."""
