"""How many wrong passwords are too many: counted per name and per address, in memory of a fixed size."""

from __future__ import annotations

import ipaddress
import math
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

FREE_PER_NAME, FREE_PER_ADDRESS = 5, 20
WAIT_S, LONGEST_WAIT_S = 30.0, 900.0
FORGET_S = 3600.0
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Count:
    """wrong: in a row. last_s: when the last one was, on the doorman's clock."""

    wrong: int
    last_s: float


class Doorman:
    """After five wrong passwords a name waits, and after twenty an address: 30 s, then twice as long each time.

    Whoever has signed in from an address before is counted there apart, so that a stranger who guesses at a name does
    not shut its owner out.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._counts: OrderedDict[str, Count] = OrderedDict()
        self._regulars: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def knock(self, name: str, address: str, *, known: bool) -> int:
        """Seconds to wait, or 0: then this attempt counts as wrong until `welcome` takes it back.

        known: whether there is such an account. Made-up names share a fixed number of counts, so a flood of them
        cannot push the count of a real name out of memory.
        """
        with self._lock:
            keys = self._keys(name, address, known)
            wait_s = max(self._wait_s(key, free) for key, free in keys)
            if wait_s <= 0:
                for key, _ in keys:
                    self._note(key)
            return math.ceil(wait_s)

    def welcome(self, name: str, address: str) -> None:
        """The password was right: the name starts afresh, and the address is as it was before."""
        with self._lock:
            for key, _ in self._keys(name, address, True):
                count = self._counts.get(key)
                if count and key.startswith("address ") and count.wrong > 1:
                    self._counts[key] = Count(count.wrong - 1, count.last_s)
                else:
                    self._counts.pop(key, None)
            self._regulars[_pair(name, address)] = None
            self._regulars.move_to_end(_pair(name, address))
            while len(self._regulars) > MOST:
                self._regulars.popitem(last=False)

    def _keys(self, name: str, address: str, known: bool) -> list[tuple[str, int]]:
        """What an attempt is counted under, and how many wrong ones are free there."""
        if known and _pair(name, address) in self._regulars:
            return [("regular " + _pair(name, address), FREE_PER_NAME)]
        named = "name " + name.lower() if known else f"unknown {zlib.crc32(name.lower().encode()) % 4096}"
        return [(named, FREE_PER_NAME), ("address " + network(address), FREE_PER_ADDRESS)]

    def _wait_s(self, key: str, free: int) -> float:
        count = self._counts.get(key)
        if count is None or count.wrong < free:
            return 0.0
        wait_s = min(LONGEST_WAIT_S, WAIT_S * 2.0 ** min(count.wrong - free, 10))
        return count.last_s + wait_s - self.clock()

    def _note(self, key: str) -> None:
        now = self.clock()
        before = self._counts.pop(key, None)
        again = before is not None and now - before.last_s < FORGET_S
        self._counts[key] = Count(before.wrong + 1 if before and again else 1, now)
        if len(self._counts) > MOST:
            # Names of accounts stay: they are few, and an attacker must not get them forgotten.
            old = next((k for k in self._counts if not k.startswith("name ")), None)
            if old is not None:
                del self._counts[old]


def network(address: str) -> str:
    """The address as it is counted: one household or machine has a whole /64 of IPv6 addresses."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(ip), 64), strict=False))
    return str(getattr(ip, "ipv4_mapped", None) or ip)


def _pair(name: str, address: str) -> str:
    return f"{name.lower()} {network(address)}"
