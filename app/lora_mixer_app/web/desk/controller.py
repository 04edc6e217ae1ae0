"""What the desk's knobs act on: settings, strips and result panel, and the one path of a change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from gradio.components import Component

from lora_mixer import RenderRequest
from lora_mixer_app.web.desk.conversion import request_of
from lora_mixer_app.web.desk.fields import RequestFields
from lora_mixer_app.web.desk.job import play
from lora_mixer_app.web.desk.result_panel import ResultPanel, Shown
from lora_mixer_app.web.desk.sync import Strips, follow, rewrite
from lora_mixer_app.web.notices import as_notice
from lora_mixer_app.web.state import AppState

Values = Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskController:
    """The desk's parts.

    Attributes:
        redraw: Changes whenever the strips must be drawn again.
        live: Whether a change is rendered at once.
    """

    state: AppState
    fields: RequestFields
    panel: ResultPanel
    redraw: gr.State
    live: gr.Checkbox

    @property
    def inputs(self) -> list[Component]:
        """What `changed` and `generate` take: live, the search of the history, then the settings."""
        return [self.live, self.panel.search, *self.fields]

    @property
    def outputs(self) -> list[Component]:
        """What they may change."""
        return [self.fields.prompt, self.redraw, *self.panel.outputs]

    @property
    def listening(self) -> dict[str, Any]:
        """How Gradio shall call them: side by side, since a newer call cancels the older."""
        return {
            "outputs": self.outputs,
            "trigger_mode": "multiple",
            "concurrency_limit": None,
            "show_progress": "hidden",
            "api_visibility": "private",
        }

    def changed(
        self, request: gr.Request, how: Callable[[Strips], Strips], values: Values, *, also: Shown | None = None
    ) -> Iterator[Shown]:
        """Change the strips, write their tags, and in live mode render; a change that changes nothing is silent.

        The strips are changed before anything is shown: whoever presses Generate right after a knob gets what it says.
        ``also`` is shown with the first answer.
        """
        live, search, *settings = values
        asked = self.fields.request(settings)
        text = asked.prompt

        def written(strips: Strips) -> Strips:
            nonlocal text
            new = how(strips)
            text = rewrite(asked.prompt, new, self._grammar(request))
            return new

        with as_notice():
            before, after = self.state.session(request).change(written)
        if before == after:
            yield {self.redraw: gr.skip()} | (also or {})
            return
        yield {self.fields.prompt: text} | self._drawn(request, before, after) | (also or {})
        if live:
            yield from self._played(request, self._on_same_noise(request, replace(asked, prompt=text)), after, search)

    def generate(self, request: gr.Request, *values: Any) -> Iterator[Shown]:  # noqa: ANN401 whatever components hold
        """Render what the desk shows."""
        yield from self._rendered(request, self.fields.request(values[2:]), values[1])

    def replayed(self, request: gr.Request, *values: Any) -> Iterator[Shown]:  # noqa: ANN401 whatever components hold
        """Render what the desk shows, in live mode and once there is something to compare with."""
        if values[0] and self.state.session(request).selected is not None:
            asked = self._on_same_noise(request, self.fields.request(values[2:]))
            yield from self._rendered(request, asked, values[1])
        else:
            yield {self.redraw: gr.skip()}

    def _rendered(self, request: gr.Request, asked: RenderRequest, search: str) -> Iterator[Shown]:
        with as_notice():
            before, after = self.state.session(request).change(self._following(request, asked.prompt))
        if drawn := self._drawn(request, before, after):
            yield drawn
        yield from self._played(request, asked, after, search)

    def typed(self, request: gr.Request, text: str) -> Shown:
        """Let the strips follow the prompt.

        Raises:
            PromptError: The prompt cannot be read, as while a tag is being typed.
        """
        before, after = self.state.session(request).change(self._following(request, text))
        return {self.redraw: gr.skip() if before == after else self.state.session(request).next_draw()}

    def _on_same_noise(self, request: gr.Request, asked: RenderRequest) -> RenderRequest:
        """Return a request with the seeds of the picture on the screen where it leaves them to chance."""
        kept = self.panel.selected(request)
        if kept is None:
            return asked
        shown = kept.record.settings
        by_chance = {
            name: getattr(shown, name)
            for name in ("seed", "subseed")
            if getattr(asked, name) in {None, -1} and getattr(shown, name) is not None
        }
        return replace(asked, **by_chance)

    def _following(self, request: gr.Request, text: str) -> Callable[[Strips], Strips]:
        grammar = self._grammar(request)
        return lambda strips: follow(strips, text, self.state.loras.knows, grammar)

    def _played(self, request: gr.Request, asked: RenderRequest, strips: Strips, search: str) -> Iterator[Shown]:
        model = self.state.model(request)
        asked = replace(asked, grammar=self._grammar(request), model=model.name)
        with as_notice():
            wish = request_of(asked, strips, family=model.family, steps=asked.steps or 1)
        yield from play(self.state, self.panel, request, wish, search)

    def _drawn(self, request: gr.Request, before: Strips, after: Strips) -> Shown:
        same = [strip.number for strip in before] == [strip.number for strip in after]
        return {} if same else {self.redraw: self.state.session(request).next_draw()}

    def _grammar(self, request: gr.Request) -> str:
        return self.state.mixer.models_file.defaults_for(self.state.model(request).name).grammar or "default"


def turned(number: int, **values: Any) -> Callable[[Strips], Strips]:  # noqa: ANN401 fields of Strip
    """Return the change that sets some values of one strip."""
    return lambda strips: tuple(replace(s, **values) if s.number == number else s for s in strips)


def without(number: int) -> Callable[[Strips], Strips]:
    """Return the change that removes a strip."""
    return lambda strips: tuple(strip for strip in strips if strip.number != number)
