"""Where a webhook may lead: https, to a name or address of the public internet, and nowhere inside.

A name is resolved here, once for each try, and the connection goes to the address that was checked: what
another answer of the name server says a moment later is of no account.
"""

from __future__ import annotations

import re
import socket
import threading
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from django.utils.translation import gettext as _

from moderation.conf import conf

MOST_CHARACTERS = 500
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*", re.IGNORECASE)
_NUMBER = re.compile(r"\d+|0[xX][0-9a-fA-F]*")
_LOCAL = ("localhost", "127.0.0.1", "::1")
_NAT64 = IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = IPv6Network("::/96")

Address = IPv4Address | IPv6Address


class Refused(ValueError):
    """This is no place for a webhook; the message says why, for the person who gave it."""

    code = "url"
    """Ours, for the column of errors."""


class PrivateAddress(Refused):
    """The name leads to an address that is not public."""

    code = "private-address"


class NoSuchHost(Refused):
    """No address was found for the name, in time."""

    code = "no-such-host"


@dataclass(frozen=True)
class Target:
    """Where to send to."""

    is_tls: bool
    """False: http, to this machine alone, where WEBHOOK_LOCALHOST allows that."""
    host: str
    """The name, for the certificate and the header `Host`."""
    port: int
    path: str
    """With the query."""
    is_local: bool
    """True: it may lead to this machine, and nowhere else."""


def parse(url: str) -> Target:
    """Read a webhook's URL. Raises Refused, whose message quotes nothing of it."""
    if len(url) > MOST_CHARACTERS or not url.isascii() or re.search(r"[\x00-\x20\x7f\\]", url):
        raise Refused(
            _("A URL has at most %(count)s characters, ASCII alone, without spaces and backslashes.")
            % {"count": MOST_CHARACTERS}
        )
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise Refused(_("This is no URL.")) from error
    if parts.username is not None or parts.password is not None:
        raise Refused(_("A URL with a user name or a password is not taken."))
    if parts.fragment:
        raise Refused(_("A URL with a fragment is not taken."))
    if port == 0:
        raise Refused(_("There is no port 0."))
    is_local = conf.WEBHOOK_LOCALHOST and host in _LOCAL
    if parts.scheme != "https" and not (parts.scheme == "http" and is_local):
        raise Refused(_("The URL must begin with https://."))
    if not is_local:
        _check_host(host, is_bracketed="[" in parts.netloc)
    default = 443 if parts.scheme == "https" else 80
    return Target(parts.scheme == "https", host, port or default, _path(parts), is_local)


def addresses_of(target: Target, seconds: float) -> list[str]:
    """Resolve the target's name into addresses to connect to, within `seconds`.

    Raises NoSuchHost, and PrivateAddress where one address or more is not public.
    """
    addresses = resolve(target.host, target.port, seconds)
    if not addresses:
        raise NoSuchHost("No address was found for the host.")
    allowed = is_loopback if target.is_local else is_public
    if not all(allowed(address) for address in addresses):
        raise PrivateAddress("The host has an address that is not public.")
    return addresses


def is_public(address: str) -> bool:
    """True of an address of the public internet, also where it stands inside of another one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        if parsed.scope_id or parsed.is_site_local or parsed in _LOCAL_NAT64:
            return False
        if inner := _embedded(parsed):
            return all(is_public(str(one)) for one in inner)
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def is_loopback(address: str) -> bool:
    """True of an address of this machine."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def resolve(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of a host, in the system's order; none where the name server takes longer.

    The system's resolver knows no time limit of ours, so it is asked on a thread that may be left behind.
    """
    answers: list[str] = []

    def ask() -> None:
        try:
            answers.extend(str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            return

    thread = threading.Thread(target=ask, name="moderation-webhook-name", daemon=True)
    thread.start()
    thread.join(seconds)
    return list(dict.fromkeys(answers)) if not thread.is_alive() else []


def _check_host(host: str, *, is_bracketed: bool) -> None:
    """Refuse what is no name, and addresses that are private or written in an unusual form."""
    if not host:
        raise Refused(_("The URL names no host."))
    try:
        address: Address | None = ip_address(host)
    except ValueError:
        address = None
    if address is not None:
        if not is_public(host):
            raise PrivateAddress(_("The URL leads to an address that is not public."))
        return
    if is_bracketed or not _HOST.fullmatch(host) or len(host) > 253:
        raise Refused(_("The host of the URL is no name; write others than ASCII ones in their xn-- form."))
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        raise Refused(_("The host of the URL is an address in an unusual form."))


def _embedded(address: IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses to which a packet to this one is sent on: mapped, 6to4, Teredo, NAT64."""
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address.sixtofour:
        return [address.sixtofour]
    if address.teredo:
        return list(address.teredo)
    if address in _NAT64 or (address in _COMPATIBLE and not address.is_loopback):
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    return []


def _path(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
