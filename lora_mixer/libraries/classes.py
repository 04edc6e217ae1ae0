"""The one door to diffusers' and transformers' model classes: quiet, lean, and with remote code switched off.

The environment variable is read by diffusers when it would run code that came with a model, so it is set before
the import (https://github.com/huggingface/diffusers, `utils/dynamic_modules_utils.py`). What the libraries import and a
picture does not need is deferred (`lora_mixer.libraries.unneeded`).
"""

from __future__ import annotations

import os

os.environ["DIFFUSERS_DISABLE_REMOTE_CODE"] = "1"

from lora_mixer.libraries.deferring import preloaded
from lora_mixer.libraries.distributions import distributions_when_asked
from lora_mixer.libraries.unneeded import UNNEEDED

NEEDED = (
    "diffusers.loaders.single_file_utils",
    "diffusers.models.autoencoders.autoencoder_kl",
    "diffusers.models.transformers.transformer_2d",
    "diffusers.models.unets.unet_2d_condition",
    "transformers.initialization",
    "transformers.models.clip.modeling_clip",
    "transformers.models.clip.tokenization_clip",
)
with distributions_when_asked():
    preloaded(NEEDED, UNNEEDED)

import diffusers
from accelerate import init_empty_weights  # type: ignore[import-untyped]
from diffusers.loaders.single_file_utils import (
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
    convert_open_clip_checkpoint,
)
from diffusers.models.attention_processor import Attention, AttnProcessor
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.utils import logging as diffusers_logging
from transformers.initialization import no_init_weights
from transformers.models.clip.configuration_clip import CLIPTextConfig
from transformers.models.clip.modeling_clip import CLIPTextModel, CLIPTextModelWithProjection
from transformers.models.clip.tokenization_clip import CLIPTokenizer
from transformers.utils import logging as transformers_logging

for logging in (diffusers_logging, transformers_logging):
    logging.set_verbosity_error()
    logging.disable_progress_bar()

diffusers_version: str = diffusers.__version__
TextEncoder = CLIPTextModel | CLIPTextModelWithProjection
TEXT_CLASSES: dict[str, type[TextEncoder]] = {
    "CLIPTextModel": CLIPTextModel,
    "CLIPTextModelWithProjection": CLIPTextModelWithProjection,
}
"""Text encoders by the class names of families' records."""

__all__ = [
    "TEXT_CLASSES",
    "Attention",
    "AttnProcessor",
    "AutoencoderKL",
    "CLIPTextConfig",
    "CLIPTextModel",
    "CLIPTextModelWithProjection",
    "CLIPTokenizer",
    "ModelMixin",
    "TextEncoder",
    "Transformer2DModel",
    "UNet2DConditionModel",
    "convert_ldm_unet_checkpoint",
    "convert_ldm_vae_checkpoint",
    "convert_open_clip_checkpoint",
    "diffusers_version",
    "init_empty_weights",
    "no_init_weights",
]
