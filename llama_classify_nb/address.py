"""Where the service is: its address, checked before any key goes there, and the proxy on the way."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
from urllib.parse import urlsplit

from .exceptions import ArgumentError

REGIONS = {"us": "api.cloud.llamaindex.ai", "eu": "api.cloud.eu.llamaindex.ai"}
URL_VARIABLE = "LLAMA_CLOUD_BASE_URL"


def read_address(base_url: str | None, region: str | None) -> str:
    """Give the address of the service: of the argument, the region, the environment, or the default.

    Raises
    ------
    ArgumentError
        If it can be none, or would send the key over the network unencrypted; a secret in it is not repeated.
    """
    if base_url is not None and region is not None:
        raise ArgumentError("base_url and region are both given: give one of them")
    for name, value in (("base_url", base_url), ("region", region)):
        if value is not None and not isinstance(value, str):
            raise ArgumentError(f"{name} is a {type(value).__name__}: give it as text")
    name = "base_url"
    if region is not None:
        name, base_url = "region", REGIONS.get(region.strip().lower(), region)
        if "." not in base_url and not is_loopback(_host(base_url)):
            raise ArgumentError(f"region is {region!r}: give one of {', '.join(map(repr, REGIONS))}, or a host name")
    elif base_url is None:
        name, base_url = URL_VARIABLE, os.environ.get(URL_VARIABLE, "").strip() or REGIONS["us"]
    url = base_url.strip()
    if "://" not in url:
        url = f"{'http' if is_loopback(_host(url)) else 'https'}://{url}"
    return _checked_address(name, url.rstrip("/"))


def _host(url: str) -> str:
    with contextlib.suppress(ValueError):
        return urlsplit(f"//{url}").hostname or ""
    return ""


def _checked_address(name: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        port_is_fine = (parts.port is None or parts.port > 0) and not parts.netloc.endswith(":")
        (parts.hostname or "").encode("idna")
    except ValueError:
        raise ArgumentError(f"{name} is not an address: give one such as https://{REGIONS['us']}") from None
    # Whatever stands before an @ or behind a ? may be a secret: such an address is not repeated.
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise ArgumentError(f"{name} holds a user name, a query or a fragment: give scheme, host and path only")
    if (
        parts.scheme not in {"https", "http"}
        or not parts.hostname
        or not port_is_fine
        or re.search(r"[\s\\\x00-\x1f\x7f]", url)
    ):
        raise ArgumentError(f"{name} is {url!r}: give an address such as https://{REGIONS['us']}")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ArgumentError(
            f"{name} is {url!r}: the key would travel unencrypted; use https (http is for this machine)"
        )
    return url


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def find_proxy(base_url: str) -> str | None:
    """Give the proxy that the environment names for an address, if it names one."""
    import urllib.request

    if urllib.request.proxy_bypass(urlsplit(base_url).hostname or ""):
        return None
    named = urllib.request.getproxies()
    url = named.get("https") or named.get("all")
    return url if not url or "://" in url else f"http://{url}"
