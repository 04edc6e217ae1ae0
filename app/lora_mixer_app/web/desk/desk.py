"""The desk on the page: one component whose value is the document, and how other tabs read it and lay settings on it."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from lora_mixer import RenderRequest
from lora_mixer_app.web.desk.answers import Answer, answers
from lora_mixer_app.web.desk.asked import asked_request
from lora_mixer_app.web.desk.document import document_of
from lora_mixer_app.web.desk.first import first_facts
from lora_mixer_app.web.desk.functions import answering
from lora_mixer_app.web.desk.regions import masked_by_pictures
from lora_mixer_app.web.desk.starts import with_sent_masks
from lora_mixer_app.web.i18n import said
from lora_mixer_app.web.notices import as_notice, warn
from lora_mixer_app.web.state import AppState, owner_of

STATIC = Path(__file__).parents[1] / "static"
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The desk, as the other tabs know it.

    A tab sends settings to the desk by `receive`: it names an event, and a function that returns a request.

    >>> import gradio as gr
    >>> from lora_mixer import RenderRequest
    >>> def build(studio: AppState, desk: Desk) -> None:
    ...     text = gr.Textbox()
    ...     send = gr.Button("Send to desk")
    ...     desk.receive(send.click, lambda prompt: RenderRequest(prompt=prompt, steps=4), [text])

    The function may also take a `gr.Request` or event data such as `gr.SelectData`, as any Gradio listener. What the desk
    shows, a tab takes as an input: the value of `document`, which `asked` makes a request of.

    Attributes:
        document: The component whose value is the document.
        laid: What was laid on the desk last. It is no answer to a render: a slow page hears only the last of several of those.
    """

    state: AppState
    tabs: gr.Tabs
    document: Component
    laid: Component
    _laid: Iterator[int] = field(default_factory=itertools.count)

    def asked(self, request: gr.Request, document: object) -> RenderRequest:
        """Return the request of a document.

        Raises:
            LoraMixerError: It asks for something impossible.
        """
        return asked_request(self.state, request, document)

    def receive(
        self,
        event: Callable[..., Dependency],
        wish: Callable[..., RenderRequest],
        inputs: Sequence[Component] = (),
    ) -> Dependency:
        """Lay a request's settings on the desk and show the desk whenever an event fires.

        Args:
            event: A component's event, such as `button.click` or `gallery.select`.
            wish: Returns the request, of the inputs' values; a `LoraMixerError` it raises becomes a notice. What the
                request leaves open (`None`) stays on the desk as it is; its mix becomes strips.
            inputs: The components whose values `wish` takes.

        Returns:
            The listener, to chain `.then(...)` to.
        """
        chosen = gr.State()

        @functools.wraps(wish)  # Gradio looks at the arguments for a request or event data
        def wished(*values: Any, **named: Any) -> RenderRequest:  # noqa: ANN401 whatever the inputs hold
            with as_notice():
                return wish(*values, **named)

        wishing = event(wished, list(inputs), [chosen], trigger_mode="always_last", **QUIET)
        laying: Dependency = wishing.success(self.lay, [chosen], [self.laid, self.tabs], **QUIET)
        return laying

    def lay(self, request: gr.Request, wish: RenderRequest) -> tuple[dict[str, Any], gr.Tabs]:
        """Return a request as a document for the desk; what cannot stand on it is told.

        Raises:
            gr.Error: The request cannot be laid on a desk.
        """
        with as_notice():
            held = with_sent_masks(wish, self.state.inputs, owner=owner_of(request))
            document = document_of(held, family=self.state.model(request).family)
        for name in masked_by_pictures(held):
            warn(said(request, "mask_left_out", name=name))
        return {"number": next(self._laid), "document": document}, gr.Tabs(selected="desk")


def _read(name: str) -> str:
    """Return one of the page's own files, for what Gradio must be handed as text."""
    return (STATIC / name).read_text(encoding="utf-8")


def build_desk(state: AppState, page: gr.Blocks, tabs: gr.Tabs) -> Desk:
    """Lay out the desk: its script draws everything, from the facts it is given."""
    on_load = _read("on_load.js")
    document = gr.HTML(
        value={},
        html_template=_read("desk.html"),
        js_on_load=on_load,
        apply_default_css=False,
        elem_id="desk",
        server_functions=[answering(state)],
        facts=first_facts(state),
    )
    told, laid = (
        gr.HTML(value={}, html_template="", js_on_load=on_load, apply_default_css=False, elem_id=f"desk-{name}")
        for name in ("answers", "laid")
    )

    def answer_document(request: gr.Request, event: gr.EventData) -> Iterator[Answer]:
        yield from answers(state, request, dict(event._data))  # noqa: SLF001 how Gradio hands on what a script sent

    def greet(request: gr.Request) -> Answer:
        return {"kind": "hello", "session": str(request.session_hash), "login": bool(request.username)}

    document.submit(answer_document, None, [told], trigger_mode="multiple", concurrency_limit=None, **QUIET)
    page.load(greet, None, [told], queue=False, **QUIET)
    return Desk(state=state, tabs=tabs, document=document, laid=laid)
