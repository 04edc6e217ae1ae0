"""The executor without workers: everything runs in this process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from lora_mixer.waiting import uncollected
from lora_mixer.workers.executor import Finished, Heartbeat, Resolution, ResolveQuery, Task

if TYPE_CHECKING:
    from lora_mixer.mixer import BaseMixer
    from lora_mixer.mixer.progress import OnProgress
    from lora_mixer.workers.renderer import Renderer


class InlineExecutor:
    """Renders in this process.

    Args:
        opening: Opens the model, at the first query.
        on_progress: Called after every step.
    """

    def __init__(self, opening: Callable[[], BaseMixer], *, on_progress: OnProgress | None = None) -> None:
        self._opening = opening
        self._on_progress = on_progress
        self._renderer: Renderer | None = None
        self._given: deque[Task] = deque()

    def __enter__(self) -> Self:
        """Forget what an earlier run left."""
        self._given.clear()
        if self._renderer is not None:
            self._renderer.forget()
        return self

    def __exit__(self, *raised: object) -> None:
        """Nothing to stop."""

    @property
    def free_slots(self) -> int:
        """One task at a time."""
        return 1 - len(self._given)

    def start(self, heartbeat: Heartbeat) -> None:
        """Open the model if it is not open yet."""
        heartbeat(0.0)
        self._open()

    def resolve(self, query: ResolveQuery, heartbeat: Heartbeat) -> Resolution:
        """Open the model if it is not open yet, and resolve."""
        self.start(heartbeat)
        return self._open().answer(query)

    def share(self, threads: int) -> int:
        """All threads."""
        return threads

    def submit(self, task: Task) -> None:
        """Take a task."""
        self._given.append(task)

    def next_result(self, heartbeat: Heartbeat) -> Finished:
        """Render the task."""
        return self._open().render(self._given.popleft(), heartbeat)

    def _open(self) -> Renderer:
        with uncollected():  # torch, diffusers and transformers are a million objects that stay for good
            from lora_mixer.workers.renderer import Renderer

        if self._renderer is None:
            self._renderer = Renderer(self._opening(), on_progress=self._on_progress)
        return self._renderer
