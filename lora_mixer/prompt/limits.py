"""How long a prompt may be: what keeps any text, however hostile, a matter of a second."""

from __future__ import annotations

from lora_mixer.errors import PromptError

MAX_LETTERS = 1 << 18
"""Characters in a prompt or template, some 800 chunks of 75 tokens; more is a mistake, such as a file pasted whole."""


def refuse_too_long(text: str) -> None:
    """Raise if a prompt or template is longer than is read.

    Raises:
        PromptError: It is.
    """
    if len(text) > MAX_LETTERS:
        raise PromptError(
            f"the prompt has {len(text):,} characters",
            position=MAX_LETTERS,
            remedy=f"{MAX_LETTERS:,} are the most; was a whole file pasted?",
        )
