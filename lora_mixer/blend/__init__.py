"""Blending: a mix on weights, by a method of the table and one of two engines with the same result."""

from __future__ import annotations

from lora_mixer.blend.arrange import MixRow, Scene
from lora_mixer.blend.calibration import costs_of
from lora_mixer.blend.costs import Render
from lora_mixer.blend.merge import MergeEngine
from lora_mixer.blend.methods import BLENDS, StackRow, blend_of, change_of_mix, is_linear, stacks_of
from lora_mixer.blend.overlap import Overlap, measure
from lora_mixer.blend.plan import ApplyPlan, plan_for
from lora_mixer.blend.shares import Area, Share
from lora_mixer.blend.side import SideEngine
from lora_mixer.blend.stack import Stack, Term, WeightedAdapter
from lora_mixer.blend.strength import curve_at

__all__ = [
    "BLENDS",
    "ApplyPlan",
    "Area",
    "MergeEngine",
    "MixRow",
    "Overlap",
    "Render",
    "Scene",
    "Share",
    "SideEngine",
    "Stack",
    "StackRow",
    "Term",
    "WeightedAdapter",
    "blend_of",
    "change_of_mix",
    "costs_of",
    "curve_at",
    "is_linear",
    "measure",
    "plan_for",
    "stacks_of",
]
