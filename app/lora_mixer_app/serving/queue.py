"""The render queue: one render at a time, with equal shares for all callers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lora_mixer.cancel import Cancel
from lora_mixer.errors import RequestError
from lora_mixer_app.serving.session import Listened

MOST_WAITING = 16
"""The most pictures of one caller waiting at a time."""
_LOOK = 0.05  # seconds between two looks at whether somebody who waits has cancelled


@dataclass(slots=True, eq=False, kw_only=True)
class _Ticket:
    cancel: Cancel
    caller: str
    number: float
    arrived: float  # in the line's own time

    @property
    def absent(self) -> bool:
        return isinstance(self.cancel, Listened) and self.cancel.absent


class RenderQueue:
    """A line people wait in. Among callers it is fair, of one caller first come, first served; who cancels leaves it.

    Whoever has used the model least since they came is next: start-time fair queueing (Goyal, Vin, Cheng 1996, "Start-
    time Fair Queueing", section 2), where a turn costs what it took. Its virtual time stands still while nobody has a turn,
    so that nobody saves up a claim by staying away, and a caller who is new waits no longer for those who sent many.

    Args:
        most: How many turns one caller may wait for.
        clock: Tells seconds.
    """

    def __init__(self, *, most: int = MOST_WAITING, clock: Callable[[], float] = time.monotonic) -> None:
        self._changed = threading.Condition()
        self._most = most
        self._clock = clock
        self.waiting: list[_Ticket] = []
        self.holder: _Ticket | None = None
        self._tickets = 0
        self._now = 0.0
        self._after: dict[str, float] = {}
        self._typical = 1.0  # seconds of a turn

    def ahead(self, caller: str = "") -> int:
        """Return how many turns would come before one that a caller asks for now; who has cancelled does not count."""
        with self._changed:
            after = dict(self._after)
            line = [ticket for ticket in self.waiting if not ticket.cancel.pressed]
            mine = _Ticket(cancel=Cancel(), caller=caller, number=self._tickets + 1, arrived=self._now)
            before = 0
            if self.holder is not None and not self.holder.cancel.pressed:
                before = 1
                after[self.holder.caller] = self._now + self._typical
            line.append(mine)
            while (first := min(line, key=lambda ticket: _key(ticket, after))) is not mine:
                line.remove(first)
                after[first.caller] = _start(first, after) + self._typical
                before += 1
            return before

    @contextmanager
    def take(self, cancel: Cancel, *, caller: str = "") -> Iterator[None]:
        """Wait for the model; within, it is nobody else's.

        Raises:
            CancelledError: It was cancelled while it waited.
            RequestError: The caller waits for too many turns already.
        """
        ticket = self._join(cancel, caller)
        began = None
        try:
            with self._changed:
                while self.holder is not None or self._next() is not ticket:
                    cancel.check()
                    self._changed.wait(_LOOK)
                self.waiting.remove(ticket)
                self.holder, self._now = ticket, _start(ticket, self._after)
                began = self._clock()
            yield
        finally:
            with self._changed:
                if began is None:
                    self.waiting.remove(ticket)
                else:
                    self.holder = None
                    self._charge(caller, self._clock() - began)
                self._changed.notify_all()

    def drain(self, seconds: float) -> None:
        """Wait until nobody has a turn or waits for one, so many seconds at most."""
        with self._changed:
            self._changed.wait_for(lambda: self.holder is None and not self.waiting, seconds)

    def _join(self, cancel: Cancel, caller: str) -> _Ticket:
        with self._changed:
            mine = [ticket for ticket in self.waiting if ticket.caller == caller and not ticket.cancel.pressed]
            if len(mine) >= self._most and (unheard := next((ticket for ticket in mine if ticket.absent), None)):
                unheard.cancel.press()
            elif len(mine) >= self._most:
                raise RequestError(
                    f"{self._most} of your pictures are waiting already",
                    remedy="Wait until some are done, or cancel some; nobody else is kept waiting by them.",
                )
            self._tickets += 1
            ticket = _Ticket(cancel=cancel, caller=caller, number=self._tickets, arrived=self._now)
            self.waiting.append(ticket)
            return ticket

    def _next(self) -> _Ticket | None:
        waiting = (ticket for ticket in self.waiting if not ticket.cancel.pressed)
        return min(waiting, key=lambda ticket: _key(ticket, self._after), default=None)

    def _charge(self, caller: str, seconds: float) -> None:
        self._typical += (seconds - self._typical) / 8
        self._after[caller] = self._now + seconds
        self._after = {who: until for who, until in self._after.items() if until > self._now}


def _start(ticket: _Ticket, after: dict[str, float]) -> float:
    """Return the start tag of a ticket, in virtual time."""
    return max(ticket.arrived, after.get(ticket.caller, 0.0))


def _key(ticket: _Ticket, after: dict[str, float]) -> tuple[bool, float, float]:
    """Return what the line is ordered by; whoever does not listen lets all others go first."""
    return ticket.absent, _start(ticket, after), ticket.number
