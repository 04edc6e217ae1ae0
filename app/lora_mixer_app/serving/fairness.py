"""Who has had how much, and who is next: start-time fair queueing (Goyal, Vin, Cheng 1996, "Start-time Fair Queueing", section 2).

Whoever has used the model least since they came is next. Virtual time stands still while nobody uses it, so that nobody saves
up a claim by staying away, and who is new waits no longer for those who asked often.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import NamedTuple, Self


class Flow(NamedTuple):
    """What takes part in turns: a browser tab of a caller, or a caller's requests without one."""

    caller: str
    tab: str


class Tags(NamedTuple):
    """Start tags in virtual seconds: among the callers, and among the tabs of the caller. The lowest is next."""

    caller: float
    tab: float


@dataclass(slots=True)
class _Shares:
    """Equal shares of something: its virtual time, and until when each has used it."""

    now: float = 0.0
    after: dict[str, float] = field(default_factory=dict)

    def start(self, who: str, arrived: float) -> float:
        return max(arrived, self.after.get(who, 0.0))

    def charge(self, who: str, until: float) -> None:
        self.after[who] = until
        self.after = {one: until for one, until in self.after.items() if until > self.now}


class FairShares:
    """Equal shares of the model for all callers, and of a caller's share for all of their tabs."""

    def __init__(self) -> None:
        self._callers = _Shares()
        self._tabs: dict[str, _Shares] = {}

    def copy(self) -> Self:
        """Return the same, to look ahead in."""
        return deepcopy(self)

    def arrived(self, flow: Flow) -> Tags:
        """Return the virtual times at which somebody asks now."""
        return Tags(self._callers.now, self._tabs_of(flow).now)

    def start(self, flow: Flow, arrived: Tags) -> Tags:
        """Return the start tags of what was asked for at a time."""
        return Tags(self._callers.start(flow.caller, arrived.caller), self._tabs_of(flow).start(flow.tab, arrived.tab))

    def serve(self, flow: Flow, start: Tags) -> None:
        """Note that what has these start tags is served."""
        self._callers.now, self._tabs_of(flow).now = start

    def charge(self, flow: Flow, start: Tags, seconds: float) -> None:
        """Note that what has these start tags has used so much by now."""
        self._callers.charge(flow.caller, start.caller + seconds)
        self._tabs_of(flow).charge(flow.tab, start.tab + seconds)

    def forget(self, caller: str) -> None:
        """Forget the tabs of a caller who asks for nothing any more."""
        self._tabs.pop(caller, None)

    def _tabs_of(self, flow: Flow) -> _Shares:
        return self._tabs.setdefault(flow.caller, _Shares())


def lead(one: tuple[Flow, Tags], other: tuple[Flow, Tags]) -> float:
    """Return how many seconds more the one has had than the other: of one flow, none."""
    (flow, tags), (others, their_tags) = one, other
    return tags.caller - their_tags.caller if flow.caller != others.caller else tags.tab - their_tags.tab
