"""The one door to diffusers' and transformers' model classes: quiet, and with remote code switched off.

The environment variable is read by diffusers when it would run code that came with a model, so it is set before
the import (https://github.com/huggingface/diffusers, `utils/dynamic_modules_utils.py`).
"""

# ruff: noqa: E402
from __future__ import annotations

import os

os.environ["DIFFUSERS_DISABLE_REMOTE_CODE"] = "1"

import diffusers
import transformers
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

diffusers.logging.set_verbosity_error()
diffusers.logging.disable_progress_bar()
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

TextEncoder = CLIPTextModel | CLIPTextModelWithProjection

__all__ = [
    "AutoencoderKL",
    "CLIPTextModel",
    "CLIPTextModelWithProjection",
    "CLIPTokenizer",
    "TextEncoder",
    "UNet2DConditionModel",
]
