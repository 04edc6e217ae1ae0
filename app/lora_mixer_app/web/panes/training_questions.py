"""What the train tab asks, as a table: trainings begun, looked at and ended, and the files that are shown of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from lora_mixer.errors import RequestError
from lora_mixer_app.web.panes.sent import sent_text
from lora_mixer_app.web.panes.training import TrainingPane

if TYPE_CHECKING:
    from lora_mixer_app.web.panes.questions import Panes


def require_trusted(who: str, *, near: bool) -> str:
    """Return whose trainings are meant.

    Raises:
        RequestError: Somebody elsewhere, who has not logged in.
    """
    if not who and not near:
        raise RequestError(
            "LoRAs are trained at this machine, or after a login only", remedy="Ask for a login (--auth)."
        )
    return who


def _asker(who: str, sent: Mapping[str, Any]) -> str:
    return require_trusted(who, near=bool(sent.get("near")))


TRAINING_QUESTIONS: Mapping[str, Callable[[Panes, str, Mapping[str, Any]], Any]] = MappingProxyType(
    {
        "trainings": lambda panes, who, sent: panes.training.listing(
            owner=_asker(who, sent), language=sent_text(sent, "language")
        ),
        "training": lambda panes, who, sent: panes.training.details(
            sent_text(sent, "name"), owner=_asker(who, sent), language=sent_text(sent, "language")
        ),
        "training-make": lambda panes, who, sent: panes.training.make(
            sent_text(sent, "name").strip(), owner=_asker(who, sent)
        ),
        "training-caption": lambda panes, who, sent: panes.training.caption(
            sent_text(sent, "name"), sent_text(sent, "picture"), sent_text(sent, "text"), owner=_asker(who, sent)
        ),
        "training-begin": lambda panes, who, sent: panes.training.begin(
            sent_text(sent, "name"),
            sent,
            owner=_asker(who, sent),
            near=bool(sent.get("near")),
            language=sent_text(sent, "language"),
        ),
        "training-throw-away": lambda panes, who, sent: panes.training.throw_away(
            sent_text(sent, "name"), owner=_asker(who, sent)
        ),
        "training-restore": lambda panes, who, sent: panes.training.restore(
            sent_text(sent, "number"), owner=_asker(who, sent)
        ),
        "training-stop": lambda panes, who, sent: panes.training.stop(sent_text(sent, "name"), owner=_asker(who, sent)),
        "training-to-desk": lambda panes, who, sent: panes.training.to_desk(
            sent_text(sent, "name"), owner=_asker(who, sent)
        ),
    }
)
"""The door says `near`, whether somebody sits at this machine, and `language`."""

TRAINING_FILES: Mapping[str, Callable[..., Path]] = MappingProxyType(
    {
        "training-picture": TrainingPane.picture,
        "training-sample": TrainingPane.sample,
        "training-lora": TrainingPane.lora,
    }
)
