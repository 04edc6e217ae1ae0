"""Limits that keep parsing any text, however hostile, within a second and little memory."""

from __future__ import annotations

from lora_mixer.errors import PromptError

MAX_LETTERS = 1 << 25
"""Characters in a prompt or template; more is a mistake, such as a file pasted whole."""

MAX_TOKENS = 1 << 16
"""Brackets, separators, tags, and the words between them, that mean something; what follows them is plain text."""


def refuse_too_long(text: str) -> None:
    """Raise if a prompt or template is too long.

    Raises:
        PromptError: It is.
    """
    refuse_too_long_by(len(text))


def refuse_too_long_by(letters: int) -> None:
    """Raise if a prompt of this length is too long.

    Raises:
        PromptError: It is.
    """
    if letters > MAX_LETTERS:
        raise PromptError(
            f"the prompt has {letters:,} characters",
            position=MAX_LETTERS,
            remedy=f"{MAX_LETTERS:,} are the most; was a whole file pasted?",
        )
