"""Images, compose file, units, alert rules and the operator's page speak of one and the same site."""

from __future__ import annotations

import argparse
import configparser
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from moderation.conf import KEYS
from moderation.metrics import PREFIX
from moderation.monitoring.exposition import _Page
from mysite.demo.environment import BASE_DIR
from tests.servers import PostgresServer
from toxicity_ml.cli import serve

DEPLOY = BASE_DIR / "deploy"
OPERATIONS = (BASE_DIR / "docs" / "operations.md").read_text()
DOCKERFILE = (BASE_DIR / "Dockerfile").read_text()
COMPOSE_TEXT = (BASE_DIR / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
OWN_SERVICES = ("migrate", "web", "worker", "trainer")
# Read by Python, by gunicorn and by prometheus-client, not by the settings.
READ_BY_OTHERS = {
    "DJANGO_SETTINGS_MODULE",
    "PATH",
    "PROMETHEUS_MULTIPROC_DIR",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
    "WEB_CONCURRENCY",
    "WEB_THREADS",
    "XDG_CACHE_HOME",
}


def settings_variables() -> set[str]:
    """Names of the environment variables that the settings read."""
    source = (BASE_DIR / "mysite" / "settings.py").read_text()
    return set(re.findall(r"""(?:environ\.get|_is_on|_listed)\(\s*"([A-Z_]+)\"""", source))


def example(path: str) -> set[str]:
    """Names in an example of an environment file."""
    return set(re.findall(r"^([A-Z_]+)=", (BASE_DIR / path).read_text(), re.MULTILINE))


def unit(path: Any) -> dict[str, list[str]]:
    """{key: values} of a unit; a key may stand in it more than once."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        key, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def stages() -> dict[str, str]:
    """{name: text} of the stages of the Dockerfile."""
    parts = re.split(r"^FROM \S+ AS (\S+)$", DOCKERFILE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def command_of(stage: str) -> list[str]:
    """The last CMD of a stage that is no health check."""
    *_, given = re.findall(r"^CMD (\[.*?\])$", stages()[stage], re.MULTILINE | re.DOTALL)
    command: list[str] = json.loads(given.replace("\\\n", " "))
    return command


def test_the_compose_file_has_the_site_its_worker_its_trainer_and_their_servers() -> None:
    assert set(SERVICES) == {*OWN_SERVICES, "postgres", "redis"}
    for name in OWN_SERVICES:
        assert SERVICES[name]["build"]["target"] in stages()
    assert SERVICES["trainer"]["profiles"] == ["train"]


def test_whatever_runs_for_long_comes_back_is_watched_and_has_limits() -> None:
    for name in ("web", "worker", "postgres", "redis"):
        service = SERVICES[name]
        assert service["restart"] == "unless-stopped"
        assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])
        target = service.get("build", {}).get("target")
        assert "healthcheck" in service or "HEALTHCHECK" in stages()[target]


def test_comments_are_saved_without_redis_so_the_site_does_not_wait_for_it() -> None:
    for name in OWN_SERVICES:
        assert "redis" not in SERVICES[name]["depends_on"]
    for name in ("web", "worker", "trainer"):
        assert SERVICES[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_what_reads_comments_can_reach_nothing_outside() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name in ("worker", "trainer", "postgres", "redis"):
        assert SERVICES[name]["networks"] == ["inside"]
        assert "ports" not in SERVICES[name]


def test_postgresql_logs_no_statement_and_no_row() -> None:
    program, *options = SERVICES["postgres"]["command"]
    assert program == "postgres"
    assert set(options[::2]) == {"-c"}
    assert options[1::2] == ["log_min_error_statement=panic", "log_error_verbosity=terse"]
    for option in options[1::2]:
        assert f"`{option.replace('=', ' = ')}`" in OPERATIONS


def test_the_role_of_the_site_owns_its_database_and_is_no_superuser() -> None:
    """The script that the image runs once, run on a server of the tests' own."""
    script = DEPLOY / "postgres" / "create-owner.sh"
    assert os.access(script, os.X_OK)
    assert (
        f"./{script.relative_to(BASE_DIR)}:/docker-entrypoint-initdb.d/create-owner.sh:ro"
        in (SERVICES["postgres"]["volumes"])
    )
    assert not {"POSTGRES_USER", "POSTGRES_DB"} & set(SERVICES["postgres"]["environment"])
    server = PostgresServer()
    try:
        server.start()
        environment = {
            **os.environ,
            **{"PGHOST": str(server.sockets), "POSTGRES_PASSWORD": "it's a \\ secret"},
            "PATH": f"{server.programs}{os.pathsep}{os.environ['PATH']}",
        }
        subprocess.run([script], check=True, env=environment)
        with psycopg.connect(server.url()) as superuser:
            roles = superuser.execute(
                "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = 'moderation'"
            ).fetchall()
            owned = superuser.execute(
                "SELECT datname FROM pg_database JOIN pg_roles r ON r.oid = datdba "
                "WHERE rolname = 'moderation'"
            ).fetchall()
            passwords = dict(superuser.execute("SELECT rolname, rolpassword FROM pg_authid").fetchall())
        assert roles == [(False, False, False)]
        assert owned == [("moderation",)]
        assert passwords["postgres"] is None
        assert passwords["moderation"].startswith("SCRAM-SHA-256$")
        with psycopg.connect(host=str(server.sockets), user="moderation", dbname="moderation") as site:
            site.execute("CREATE TABLE made (id int)")
    finally:
        server.close()


def test_no_secret_has_a_default() -> None:
    secrets = {"SECRET_KEY", "TEXT_KEY_SECRET", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "METRICS_TOKEN"}
    for name in secrets:
        uses = re.findall(rf"\$\{{{name}([^}}]*)\}}", COMPOSE_TEXT)
        assert uses and all(use.startswith(":?") for use in uses)
    values = dict(re.findall(r"^([A-Z_]+)=(.*)$", (BASE_DIR / ".env.example").read_text(), re.MULTILINE))
    assert {name for name in secrets if values[name]} == set()


def test_every_variable_of_the_compose_file_stands_in_its_example_and_the_other_way_round() -> None:
    assert set(re.findall(r"\$\{([A-Z_]+)", COMPOSE_TEXT)) == example(".env.example")


def test_whatever_is_set_for_the_site_is_read_by_its_settings() -> None:
    given = {name for service in OWN_SERVICES for name in SERVICES[service]["environment"]}
    for text in stages().values():
        for block in re.findall(r"^ENV (.*(?:\\\n.*)*)", text, re.MULTILINE):
            given |= {name for name in re.findall(r"([A-Z_]+)=", block) if not name.startswith("PIP_")}
    for path in UNITS:
        given |= {assignment.partition("=")[0] for assignment in unit(path).get("Environment", [])}
    given |= example("deploy/systemd/moderation.env.example")
    assert given - READ_BY_OTHERS <= settings_variables()


def test_the_operator_s_page_lists_every_variable_that_the_settings_read() -> None:
    listed = set(re.findall(r"`([A-Z_]+)`", OPERATIONS))
    assert settings_variables() | {"WEB_CONCURRENCY", "PROMETHEUS_MULTIPROC_DIR"} <= listed


@pytest.mark.django_db
def test_the_operator_s_page_and_the_alerts_name_metrics_that_there_are() -> None:
    there = {
        f"{metric.name}_total" if metric.type == "counter" else metric.name
        for metric in _Page().collect()
        if metric.name.startswith(PREFIX)
    }
    others = {
        "health",
        "orphans",
        "screening",
        "storedfigures",
        "inside",
        "database",
        "models",
    }  # commands, a table, volumes
    documented = set(re.findall(r"\bmoderation_[a-z_]+", OPERATIONS)) - {PREFIX + name for name in others}
    assert there - documented == set()
    assert documented - there == set()
    rules = [rule for group in alerts()["groups"] for rule in group["rules"]]
    for rule in rules:
        for name in re.findall(r"moderation_[a-z_]+", rule["expr"]):
            assert re.sub(r"_(bucket|count|sum)$", "", name) in there
        assert rule["alert"] in OPERATIONS
        assert set(rule["annotations"]) == {"summary", "do"}


def alerts() -> dict[str, Any]:
    """The alert rules."""
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())
    return found


def test_prometheus_asks_where_the_site_and_its_workers_answer() -> None:
    found = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    targets = {job["job_name"]: job["static_configs"][0]["targets"][0] for job in found["scrape_configs"]}
    port = re.search(r"METRICS_PORT=(\d+)", stages()["worker"])
    assert port is not None
    assert targets == {"moderation-web": "127.0.0.1:8000", "moderation-worker": f"127.0.0.1:{port[1]}"}
    assert found["rule_files"] == ["alerts.yml"]


def test_the_images_install_extras_that_there_are_and_the_same_torch() -> None:
    project = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    extras = re.findall(r"\.whl\)\[([a-z,]+)\]", DOCKERFILE)
    assert extras == ["site", "site,worker", "site,train", "serve"]
    assert {name for names in extras for name in names.split(",")} <= set(project)
    version = re.search(r"^ARG TORCH_VERSION=(.*)$", DOCKERFILE, re.MULTILINE)
    assert version is not None and f"torch=={version[1]}" in project["train"]


def test_images_and_units_run_the_same_commands() -> None:
    for stage, name in (("web", "web"), ("worker", "worker"), ("trainer", "retrain")):
        (line,) = unit(DEPLOY / "systemd" / f"moderation-{name}.service")["ExecStart"]
        program, *arguments = shlex.split(line)
        expected = command_of(stage)
        if "--bind" in expected:  # inside a container all interfaces are its own
            del expected[expected.index("--bind") : expected.index("--bind") + 2]
        assert [os.path.basename(program), *arguments] == expected


@pytest.mark.parametrize("path", UNITS, ids=lambda path: str(path.stem))
def test_a_unit_runs_without_rights(path: Any) -> None:
    found = unit(path)
    assert found["User"] == ["moderation"]
    assert found["NoNewPrivileges"] == ["yes"]
    assert found["CapabilityBoundingSet"] == [""]
    assert found["ProtectSystem"] == ["strict"]
    parser = configparser.ConfigParser(strict=False, allow_no_value=True)
    parser.read_string(path.read_text())
    assert "Service" in parser.sections()


def test_manage_is_what_the_units_run_as_their_user_and_with_their_environment(tmp_path: Path) -> None:
    web = unit(DEPLOY / "systemd" / "moderation-web.service")
    script = (DEPLOY / "systemd" / "manage").read_text()
    places = {web["EnvironmentFile"][0]: tmp_path / "env", web["WorkingDirectory"][0]: tmp_path}
    for place, here in places.items():
        assert place in script
        script = script.replace(place, str(here))
    url = "postgresql:///name?host=/run/a b&sslmode=disable#$HOME"
    (tmp_path / "env").write_text(f"DATABASE_URL='{url}'\nSECRET_KEY=secret\n")
    _program(tmp_path / "manage", script)
    _program(tmp_path / ".venv/bin/python", 'echo "$DATABASE_URL" "$SECRET_KEY" "$@"; exit 3')
    _program(tmp_path / "runuser", f'[ "$1 $2 $3" = "-u {web["User"][0]} --" ] && shift 3 && exec "$@"')
    done = subprocess.run(
        [tmp_path / "manage", "check", "--tag", "a b"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (f"{url} secret manage.py check --tag a b\n", "")
    assert done.returncode == 3
    assert os.access(DEPLOY / "systemd" / "manage", os.X_OK)


def test_the_operator_s_page_runs_no_command_of_the_units_in_another_way() -> None:
    section = OPERATIONS.split("### With systemd")[1].split("###")[0]
    assert "deploy/systemd/manage migrate" in section
    assert ".venv/bin/python manage.py" not in OPERATIONS
    assert "deploy/systemd/manage moderation_health" in OPERATIONS


def _program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script if script.startswith("#!") else f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


PERSPECTIVE: dict[str, Any] = yaml.safe_load((DEPLOY / "perspective.yml").read_text())


def test_the_stand_in_alone_is_one_service_without_rights_that_only_this_machine_reaches() -> None:
    (service,) = PERSPECTIVE["services"].values()
    assert service["build"] == {"context": "..", "target": "perspective"}
    assert "HEALTHCHECK" in stages()["perspective"]
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])
    (port,) = service["ports"]
    assert re.fullmatch(r"\$\{\w+:-127\.0\.0\.1:8080\}:8080", port)
    assert re.search(r"^EXPOSE 8080$", stages()["perspective"], re.MULTILINE)


def test_the_stand_in_alone_runs_a_command_that_there_is_with_its_secret(tmp_path: Path) -> None:
    (service,) = PERSPECTIVE["services"].values()
    assert service["command"] == command_of("perspective")
    python, m, package, command, *arguments = service["command"]
    assert (python, m, package, command) == ("python", "-m", "toxicity_ml", "serve")
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    given = parser.parse_args(arguments)
    assert (given.host, given.port) == ("0.0.0.0", serve.PORT)  # noqa: S104 - inside of a container
    (secret,) = service["secrets"]
    assert given.keys == Path("/run/secrets") / secret
    kept = (DEPLOY / PERSPECTIVE["secrets"][secret]["file"]).resolve().relative_to(BASE_DIR)
    assert f"/{kept}" in (BASE_DIR / ".gitignore").read_text().splitlines()
    ignored = (BASE_DIR / ".dockerignore").read_text().splitlines()
    assert "*" in ignored and f"!{kept}" not in ignored


def test_nothing_runs_as_root_in_an_image() -> None:
    for name in ("web", "worker", "trainer", "perspective"):
        assert re.findall(r"^USER (\S+)$", stages()[name], re.MULTILINE) == ["10001"]


def test_gunicorn_takes_its_configuration(tmp_path: Any) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "mysite.settings",
        "LOG_FORMAT": "json",
        "WEB_CONCURRENCY": "3",
    }
    command = [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "mysite.wsgi"]
    shown = subprocess.run(
        [*command, "--print-config"],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert re.search(r"^workers += 3$", shown, re.MULTILINE)
    assert "mysite.logs.TextFreeJsonFormatter" in shown
    subprocess.run([*command, "--check-config"], cwd=BASE_DIR, env=environment, check=True)


def test_the_readme_lists_every_key_of_the_setting() -> None:
    readme = (BASE_DIR / "README.md").read_text()
    assert [key for key in KEYS if f"| `{key}` |" not in readme] == []
