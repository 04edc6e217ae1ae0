"""What the panes ask the server, as a table: a question's name, and what answers it from plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from lora_mixer.errors import RequestError
from lora_mixer_app.serving.history_query import Query
from lora_mixer_app.web.panes.history import HistoryPane
from lora_mixer_app.web.panes.sent import sent_text, sent_whole
from lora_mixer_app.web.panes.training import TrainingPane
from lora_mixer_app.web.panes.training_questions import TRAINING_QUESTIONS
from lora_mixer_app.web.state import AppState


@dataclass(frozen=True, slots=True, kw_only=True)
class Panes:
    """What the panes and the history know, over what all pages share."""

    state: AppState
    history: HistoryPane
    training: TrainingPane

    @staticmethod
    def over(state: AppState) -> Panes:
        """Return the panes of a server."""
        home = state.thumbs.folder.parent
        return Panes(
            state=state,
            history=HistoryPane(state.history, state.thumbs),
            training=TrainingPane(state, state.library, home / "trainings"),
        )


Question = Callable[[Panes, str, Mapping[str, Any]], Any]
"""Takes the panes, whose question it is, and what was sent; returns what becomes JSON."""

QUESTIONS: Mapping[str, Question] = MappingProxyType(
    {
        **TRAINING_QUESTIONS,
        "history": lambda panes, who, sent: panes.history.page(
            _query(sent), start=sent_whole(sent, "start"), owner=who, language=sent_text(sent, "language")
        ),
        "history-pin": lambda panes, who, sent: panes.history.pin(
            _keys(sent) or (), pinned=bool(sent.get("on")), owner=who
        ),
        "history-throw-away": lambda panes, who, sent: panes.history.throw_away(_keys(sent) or (), owner=who),
        "history-restore": lambda panes, who, sent: panes.history.restore(_keys(sent) or (), owner=who),
        "history-destroy": lambda panes, who, sent: panes.history.destroy(_keys(sent), owner=who),
    }
)


def _query(sent: Mapping[str, Any]) -> Query:
    flags = {name: bool(sent.get(name)) for name in ("pinned", "binned")}
    return Query(text=sent_text(sent, "text"), lora=sent_text(sent, "lora"), model=sent_text(sent, "model"), **flags)


def _keys(sent: Mapping[str, Any]) -> list[int] | None:
    value = sent.get("ids")
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(key, int) for key in value):
        raise RequestError("ids are no numbers", remedy="Load the page anew.")
    return value
