"""Spells origins in one way, as keys name them and as browsers send them: `https://example.org`."""

from __future__ import annotations

from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


def normalised(given: str) -> str:
    """Return the origin in one spelling: lower case, no slash, no default port.

    Raises ValueError for what is no origin, such as a bare host or an address with a path.
    """
    parts = urlsplit(given.strip())
    is_origin = parts.scheme in DEFAULT_PORTS and parts.hostname and parts.path in ("", "/")
    if not is_origin or parts.query or parts.fragment or parts.username is not None:
        raise ValueError(f"{given!r} is no origin such as https://example.org")
    return _origin(parts.scheme, str(parts.hostname), parts.port)


def of_page(address: str) -> str | None:
    """Return the origin of a page's address, such as a Referer; None where it has none."""
    try:
        parts = urlsplit(address)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            return None
        return _origin(parts.scheme, parts.hostname, parts.port)
    except ValueError:  # a port that is no number, brackets without an address
        return None


def _origin(scheme: str, host: str, port: int | None) -> str:
    bracketed = f"[{host}]" if ":" in host else host
    return f"{scheme}://{bracketed}" + ("" if port in (None, DEFAULT_PORTS[scheme]) else f":{port}")
