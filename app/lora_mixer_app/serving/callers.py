"""Who is who: the name somebody is logged in under, else the address they come from."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address


def caller(user: str | None, address: str | None) -> str:
    """Return the key a caller is counted under.

    For IPv6 the key is the /64 network, which one household has to itself.

    >>> caller("ada", "10.0.0.7"), caller(None, "10.0.0.7"), caller(None, "2001:db8:0:1:a::7")
    ('user ada', '10.0.0.7', '2001:db8:0:1::/64')

    Args:
        user: The caller's login name.
        address: Where they come from.
    """
    if user:
        return f"user {user}"
    try:
        where = ip_address(address or "")
    except ValueError:
        return address or ""
    if isinstance(where, IPv6Address) and where.ipv4_mapped is None:
        return f"{IPv6Address(int(where) >> 64 << 64)}/64"
    return str(getattr(where, "ipv4_mapped", None) or where)
