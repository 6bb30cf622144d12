"""Sign-in through a city's own OpenID Connect provider (authorization code with PKCE)."""
