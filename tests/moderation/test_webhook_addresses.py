"""Where a webhook may lead: nowhere inside, in whatever form the address is written."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest

from moderation.webhooks import addresses
from moderation.webhooks.addresses import NoSuchHost, PrivateAddress, Refused, parse

PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104 - refused
    "0.1.2.3",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2002:c0a8:101::",
    "2001:0:7f00:1::1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::8.8.8.8",
    "no address",
    "",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::8.8.8.8"]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not addresses.is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_taken(address: str) -> None:
    assert addresses.is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://receiver.example/",
        "ftp://receiver.example/",
        "//receiver.example/",
        "receiver.example",
        "https:///path",
        "https://",
        "https://user@receiver.example/",
        "https://kestrel:heron@receiver.example/",
        "https://receiver.example/#part",
        "https://receiver.example:0/",
        "https://receiver.example:99999/",
        "https://receiver.example/a b",
        "https://receiver.example/\r\nX-Header: 1",
        "https://receiver.example\\@10.0.0.1/",
        "https://recéiver.example/",
        "https://-receiver.example/",
        "https://receiver..example/",
        "https://[::1",
        "https://[v1.x]/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://0177.0.0.1/",
        "https://10.0.0.1.1/",
        "https://receiver.example/" + 500 * "a",
        *(f"https://{address}/" for address in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.1")),
        *(f"https://[{address}]/" for address in ("::1", "::ffff:10.0.0.1", "fc00::1", "2002:a00:1::")),
    ],
)
def test_a_url_that_leads_nowhere_public_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(url)
    assert not re.search("receiver|kestrel|heron|10\\.0", str(refused.value))


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://receiver.example", "receiver.example", 443, "/"),
        ("https://Receiver.Example.:8443/a?b=c", "receiver.example", 8443, "/a?b=c"),
        ("https://xn--rceiver-9ua.example/", "xn--rceiver-9ua.example", 443, "/"),
        ("https://8.8.8.8/", "8.8.8.8", 443, "/"),
        ("https://[2606:4700::1111]/", "2606:4700::1111", 443, "/"),
    ],
)
def test_a_url_is_taken_apart(url: str, host: str, port: int, path: str) -> None:
    target = parse(url)
    assert (target.host, target.port, target.path) == (host, port, path)
    assert target.is_tls and not target.is_local


@pytest.mark.parametrize("url", ["http://localhost:8000/", "https://127.0.0.1/", "http://[::1]:8000/"])
def test_this_machine_is_for_development_alone(url: str, settings: Any) -> None:
    with pytest.raises(Refused):
        parse(url)
    settings.MODERATION = {**settings.MODERATION, "WEBHOOK_LOCALHOST": True}
    assert parse(url).is_local
    with pytest.raises(Refused):
        parse("http://receiver.example/")
    with pytest.raises(Refused):
        parse("https://10.0.0.1/")


def test_a_name_with_one_private_address_among_others_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "resolve", lambda *_: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(PrivateAddress):
        addresses.addresses_of(parse("https://receiver.example/"), 5)


def test_localhost_that_leads_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "WEBHOOK_LOCALHOST": True}
    monkeypatch.setattr(addresses, "resolve", lambda *_: ["8.8.8.8"])
    with pytest.raises(PrivateAddress):
        addresses.addresses_of(parse("http://localhost/"), 5)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1"])
def test_what_the_system_takes_for_an_address_is_judged_as_one(host: str) -> None:
    """Were such a host let through, its address would still be looked at."""
    resolved = addresses.resolve(host, 443, 5)
    assert resolved in ([], ["127.0.0.1"])
    assert not any(map(addresses.is_public, resolved))


def test_a_name_server_that_hangs_is_given_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    may_end = threading.Event()
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_, **__: [may_end.wait(30)][:0])
    with pytest.raises(NoSuchHost):
        addresses.addresses_of(parse("https://receiver.example/"), 0.05)
    may_end.set()
