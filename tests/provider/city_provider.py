"""Canaille as a city's sign-in service: people and groups in memory, told over standard input what changes.

Run in the environment beside this file: `python city_provider.py PORT REDIRECT_URI HOME`. Writes "ready", then answers
each line of JSON on standard input with "done": {"groups": {login: [group, ...]}} or {"new_key": true}.
"""

import json
import sys
import threading

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

PEOPLE = {"ana": "Ана Анић", "petar": "Petar Perić", "mira": "Mira Mirić"}
PASSWORD = "lozinka-grada-nisa"
CLIENT_SECRET = "tajna & klijenta"


def new_key() -> dict[str, str]:
    key = RSAKey.generate_key(2048, auto_kid=True)
    return {name: str(value) for name, value in key.as_dict(private=True).items() if isinstance(value, str)}


def provider(port: int, redirect_uri: str, home: str):
    config = {
        "SECRET_KEY": "secret of a test",
        "SERVER_NAME": f"127.0.0.1:{port}",
        "PREFERRED_URL_SCHEME": "http",
        "CANAILLE": {"DATABASE": "memory", "SMTP": None, "CAPTCHA_ENABLED": False},
        "CANAILLE_OIDC": {"ACTIVE_JWKS": [new_key()]},
    }
    app = create_app(config)
    with app.app_context(), Backend.instance.session():
        client = models.Client(
            client_id="vidik",
            client_name="Vidik",
            client_secret=CLIENT_SECRET,
            client_uri=home,
            redirect_uris=[redirect_uri],
            post_logout_redirect_uris=[home],
            grant_types=["authorization_code"],
            response_types=["code"],
            scope=["openid", "profile", "email", "groups"],
            token_endpoint_auth_method="client_secret_basic",
        )
        Backend.instance.save(client)
        client.audience = [client]
        Backend.instance.save(client)
        for login, name in PEOPLE.items():
            user = models.User(
                user_name=login,
                formatted_name=name,
                family_name=name.split()[1],
                display_name=login,
                emails=[f"{login}@nis.test"],
                password=PASSWORD,
            )
            Backend.instance.save(user)
    return app


def put_in_groups(app, wanted: dict[str, list[str]]) -> None:
    with app.app_context(), Backend.instance.session():
        for login, names in wanted.items():
            user = Backend.instance.get(models.User, user_name=login)
            for group in Backend.instance.query(models.Group):
                group.members = [member for member in group.members if member.id != user.id]
                if not group.members:
                    Backend.instance.delete(group)
                else:
                    Backend.instance.save(group)
            for name in names:
                group = Backend.instance.get(models.Group, display_name=name) or models.Group(display_name=name)
                group.members = [*group.members, user]
                Backend.instance.save(group)


def say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def main() -> None:
    port, redirect_uri, home = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    app = provider(port, redirect_uri, home)
    server = make_server("127.0.0.1", port, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say("ready")
    for line in sys.stdin:
        told = json.loads(line)
        if "groups" in told:
            put_in_groups(app, told["groups"])
        if told.get("new_key"):
            app.config["CANAILLE_OIDC"]["ACTIVE_JWKS"] = [new_key()]
        say("done")


main()
