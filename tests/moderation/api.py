"""Calling the API as a program or a person does."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client

from moderation.api_keys import making
from moderation.audit import Actor

ROOT = "/api/moderation/"
PROBLEM = "application/problem+json"


def person(name: str, *permissions: str) -> Client:
    """Logged in, with these permissions of Django's and none else."""
    user = User.objects.create_user(name)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def key(*scopes: str, **options: Any) -> dict[str, str]:
    """The header with a new key."""
    given: dict[str, Any] = {"quota": None, "actor": Actor(None, "ann"), **options}
    return {"x-goog-api-key": making.create("a program", scopes, **given)[1]}


def get(client: Client, path: str, **query: Any) -> Any:
    """The JSON of an answer that is 200."""
    response = client.get(ROOT + path, query)
    assert response.status_code == 200, response.content
    return response.json()


def post(client: Client, path: str, data: Any, **options: Any) -> Any:
    """The response to a JSON body; a string is sent as it is."""
    body = data if isinstance(data, str | bytes) else json.dumps(data)
    return client.post(ROOT + path, body, content_type="application/json", **options)


def problem(response: Any) -> tuple[int, str]:
    """Status and code of a refusal, which is a problem in full."""
    assert response["Content-Type"] == PROBLEM, response.content
    told = response.json()
    assert set(told) >= {"type", "title", "status", "code", "detail"}
    assert told["type"] == "about:blank" and told["status"] == response.status_code
    assert all(isinstance(told[name], str) and told[name] for name in ("title", "code", "detail"))
    return response.status_code, told["code"]


def pages(client: Client, path: str, **query: Any) -> list[list[Any]]:
    """The results of each page, to the last."""
    answer = get(client, path, **query)
    results = [answer["results"]]
    while answer["next"]:
        response = client.get(answer["next"])
        assert response.status_code == 200
        answer = response.json()
        results.append(answer["results"])
    return results
