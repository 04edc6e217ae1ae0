"""The public `Mixer`: what a mixer does by itself, and runs into folders with a ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from lora_mixer.mixer import BaseMixer, Cancel, RequestOptions, as_requests

if TYPE_CHECKING:
    from lora_mixer.request import RenderRequest
    from lora_mixer.runs.run import RunProgress, RunResult


class Mixer(BaseMixer):
    """Models with their LoRAs, ready to render. Calls from several threads take turns.

    >>> with Mixer.open() as mixer:
    ...     pictures = list(mixer.render_many(["cat", "sun"], steps=1))
    >>> [picture.record.settings.prompt for picture in pictures]
    ['cat', 'sun']
    """

    def run(
        self,
        requests: Iterable[RenderRequest | str],
        folder: str | Path,
        *,
        title: str = "",
        batch: int = 4,
        retry_failed: bool = False,
        on_progress: Callable[[RunProgress], None] | None = None,
        cancel: Cancel | None = None,
        say: Callable[[str], None] | None = None,
        **options: Unpack[RequestOptions],
    ) -> RunResult:
        """Render requests into a folder that can be gone on with: pictures, ledger, labelled sheet, index.

        A picture is entered when it is on disk. The same call goes on after an interruption, and renders only what is
        not there yet; `lora-mixer render` writes such folders, too.

        Args:
            requests: Requests, or just prompts.
            folder: Where to; made if it is not there.
            title: A line above the sheet.
            batch: The most pictures rendered at once.
            retry_failed: Try again what failed in an earlier run.
            on_progress: Called after every step.
            cancel: Stops within one step when pressed; what is finished is kept.
            say: Told what the user should know, such as pictures that another run had made.
            options: Fields of `RenderRequest`, laid over every request.

        Returns:
            How many pictures were there, were made, and failed; `result.check()` raises if one is missing.

        Raises:
            RequestError: They are no list, there is none, or one has values of the wrong type.
            ConfigError: Another run is writing there.
            FileError: The folder cannot be written to.
            CancelledError: `cancel` was pressed.
            LoraMixerError: The model cannot be opened, or no picture can be made.
        """
        from lora_mixer.promptfile.from_requests import plan_of
        from lora_mixer.runs.run import RunOptions, run
        from lora_mixer.workers.inline import InlineExecutor

        return run(
            plan_of(as_requests(requests, options), title=title),
            Path(folder),
            InlineExecutor(lambda: self),
            options=RunOptions(batch=batch, retry_failed=retry_failed),
            on_progress=on_progress,
            cancel=cancel,
            say=say,
        )
