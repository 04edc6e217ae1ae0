"""The render queue: one render at a time, with equal shares for all callers, and for the tabs of each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from lora_mixer.cancel import Cancel
from lora_mixer.errors import RequestError
from lora_mixer_app.serving.fairness import FairShares, Flow, Tags, lead
from lora_mixer_app.serving.session import Listened

MOST_WAITING = 16
"""The most pictures of one caller waiting at a time."""
FIRST_SIGHT = 0.05
"""Seconds that a render may be ahead of another caller's that has not begun before it gives way to it; of another tab's of its own
caller, who looks at that one now, seconds since its turn began."""
SLICE, LONGEST_SLICE = 1.0, 4.0
"""The same for one that has begun: seconds the first time, and twice as many each time a render has given way, up to the second
number, since each exchange of two mixes costs merging them again."""
_LOOK = 0.05  # seconds between two looks at whether somebody who waits has cancelled


@dataclass(slots=True, eq=False, kw_only=True)
class Ticket:
    """Somebody's place in the line, and then their turn.

    Attributes:
        cancel: Its switch.
        flow: Whose it is.
        number: Counted from 1 in the order of coming.
        arrived: When it came, in the line's own time.
        model: The model it is about; None where that is not known.
        patience: See `SLICE`.
        start: The start tags of its turn; None while it waits.
        began: When its turn began.
        used: Seconds of the turns before that it gave away.
        left_off: It has begun, and waits to go on.
    """

    cancel: Cancel
    flow: Flow
    number: float
    arrived: Tags
    model: str | None = None
    patience: float = SLICE
    start: Tags | None = None
    began: float = 0.0
    used: float = 0.0
    left_off: bool = False

    @property
    def absent(self) -> bool:
        """Whether nobody listens at this moment."""
        return isinstance(self.cancel, Listened) and self.cancel.absent


class BetweenSteps(Protocol):
    """A render between two of its steps, as its `Progress` tells of it."""

    @property
    def aside(self) -> Callable[[], AbstractContextManager[object]]:
        """Lets others use the model within a `with` block."""


GiveWay = Callable[[BetweenSteps], None]
"""Lets those who have had less go first, between two steps of a render; returns when it may go on.

Raises:
    CancelledError: It was cancelled meanwhile.
"""


class RenderQueue:
    """A line people wait in. It is fair (`FairShares`), of one tab first come, first served; who cancels leaves it.

    A turn costs what it took. A long one need not be waited for: it gives way between two steps to who has had less, where
    both are about the same model, so that no second one is in memory.

    Args:
        most: How many turns one caller may wait for.
        clock: Tells seconds.
    """

    def __init__(self, *, most: int = MOST_WAITING, clock: Callable[[], float] = time.monotonic) -> None:
        self._changed = threading.Condition()
        self._most = most
        self._clock = clock
        self.waiting: list[Ticket] = []
        self.holder: Ticket | None = None
        self._leaving = 0  # those who had begun, were cancelled, and need the model once more to leave it in order
        self._tickets = 0
        self._shares = FairShares()
        self._typical = 1.0  # seconds of a turn

    def ahead(self, caller: str = "", *, tab: str = "") -> int:
        """Return how many turns would come before one that is asked for now; who has cancelled does not count."""
        with self._changed:
            shares = self._shares.copy()
            line = [ticket for ticket in self.waiting if not ticket.cancel.pressed]
            flow = Flow(caller, tab)
            mine = Ticket(cancel=Cancel(), flow=flow, number=self._tickets + 1, arrived=shares.arrived(flow))
            before = 0
            if self.holder is not None and not self.holder.cancel.pressed:
                before = 1
                shares.charge(self.holder.flow, self.holder.start or self.holder.arrived, self._typical)
            line.append(mine)
            while (first := min(line, key=partial(_key, shares=shares))) is not mine:
                line.remove(first)
                shares.charge(first.flow, shares.start(first.flow, first.arrived), self._typical)
                before += 1
            return before

    @contextmanager
    def take(self, cancel: Cancel, *, caller: str = "", tab: str = "", model: str | None = None) -> Iterator[GiveWay]:
        """Wait for the model; within, it is nobody else's but while it is given away.

        Args:
            cancel: Leaves the line.
            caller: Who asks.
            tab: In which of their tabs.
            model: What it is about; None gives way to nobody, and nobody to it.

        Raises:
            CancelledError: It was cancelled while it waited.
            RequestError: The caller waits for too many turns already.
        """
        ticket = self._join(cancel, Flow(caller, tab), model)
        try:
            with self._changed:
                self._wait(ticket)
            yield partial(self._give_way, ticket)
        finally:
            with self._changed:
                self._leave(ticket)

    def drain(self, seconds: float) -> None:
        """Wait until nobody has a turn or waits for one, so many seconds at most."""
        with self._changed:
            self._changed.wait_for(lambda: self.holder is None and not self.waiting, seconds)

    def _join(self, cancel: Cancel, flow: Flow, model: str | None) -> Ticket:
        with self._changed:
            mine = [one for one in self.waiting if one.flow.caller == flow.caller and not one.left_off]
            mine = [one for one in mine if not one.cancel.pressed]
            if len(mine) >= self._most and (unheard := next((ticket for ticket in mine if ticket.absent), None)):
                unheard.cancel.press()
            elif len(mine) >= self._most:
                raise RequestError(
                    f"{self._most} of your pictures are waiting already",
                    remedy="Wait until some are done, or cancel some; nobody else is kept waiting by them.",
                )
            self._tickets += 1
            arrived = self._shares.arrived(flow)
            ticket = Ticket(cancel=cancel, flow=flow, number=self._tickets, arrived=arrived, model=model)
            self.waiting.append(ticket)
            return ticket

    def _wait(self, ticket: Ticket) -> None:
        """Wait until it is this one's turn, and begin it."""
        while self.holder is not None or self._leaving or self._next() is not ticket:
            ticket.cancel.check()
            self._changed.wait(_LOOK)
        self.waiting.remove(ticket)
        self.holder, ticket.began = ticket, self._clock()
        ticket.start = self._shares.start(ticket.flow, ticket.arrived)
        self._shares.serve(ticket.flow, ticket.start)

    def _give_way(self, ticket: Ticket, render: BetweenSteps) -> None:
        with self._changed:
            leaving, gives_way = self._leaving > 0, self._is_ahead(ticket)
        if gives_way:
            with render.aside(), self._changed:
                self._give_back(ticket)
                self._wait_to_go_on(ticket)
        elif leaving:
            with render.aside(), self._changed:
                self._changed.wait_for(lambda: not self._leaving)

    def _is_ahead(self, ticket: Ticket) -> bool:
        """Return whether the holder has had so much more than whoever is next that it gives way."""
        first = self._next()
        if first is None or first.model is None or first.model != ticket.model:
            return False
        if ticket.absent or first.absent:
            return ticket.absent and not first.absent
        used = self._charge(ticket)
        if first.flow.caller == ticket.flow.caller and not first.left_off:
            return first.flow != ticket.flow and used > FIRST_SIGHT
        tags = [(one.flow, self._shares.start(one.flow, one.arrived)) for one in (ticket, first)]
        return lead(tags[0], tags[1]) > (ticket.patience if first.left_off else FIRST_SIGHT)

    def _give_back(self, ticket: Ticket) -> None:
        ticket.used += self._charge(ticket)
        ticket.arrived = self._shares.start(ticket.flow, ticket.arrived)  # comes again, with what it has had
        ticket.start, ticket.left_off = None, True
        ticket.patience = min(2 * ticket.patience, LONGEST_SLICE)
        self.holder = None
        self.waiting.append(ticket)
        self._changed.notify_all()

    def _wait_to_go_on(self, ticket: Ticket) -> None:
        try:
            self._wait(ticket)
        except BaseException:
            self._leaving += 1  # until `_leave`, so that whoever has the model lets it go for a moment
            raise

    def _leave(self, ticket: Ticket) -> None:
        """Take a ticket out of the line, or end its turn."""
        if self.holder is ticket:
            used = ticket.used + self._charge(ticket)
            self._typical += (used - self._typical) / 8
            self.holder = None
        else:
            self.waiting.remove(ticket)
            self._leaving -= ticket.left_off
        caller = ticket.flow.caller
        if not any(one is not None and one.flow.caller == caller for one in (self.holder, *self.waiting)):
            self._shares.forget(caller)
        self._changed.notify_all()

    def _next(self) -> Ticket | None:
        waiting = (ticket for ticket in self.waiting if not ticket.cancel.pressed)
        return min(waiting, key=partial(_key, shares=self._shares), default=None)

    def _charge(self, ticket: Ticket) -> float:
        """Charge what a turn has used so far, and return it."""
        assert ticket.start is not None
        used = self._clock() - ticket.began
        self._shares.charge(ticket.flow, ticket.start, used)
        return used


def _key(ticket: Ticket, *, shares: FairShares) -> tuple[bool, float, bool, float, float]:
    """Return what the line is ordered by.

    Whoever does not listen lets all others go first; of one caller, what has begun lets go first what has not.
    """
    start = shares.start(ticket.flow, ticket.arrived)
    return ticket.absent, start.caller, ticket.left_off, start.tab, ticket.number
