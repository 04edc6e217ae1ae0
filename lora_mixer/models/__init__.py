"""Models: the only room that knows how a checkpoint is opened and which classes its networks are."""

from lora_mixer.models.model import Model
from lora_mixer.models.opening import open_model

__all__ = ["Model", "open_model"]
