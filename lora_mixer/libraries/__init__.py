"""The one door to diffusers and transformers: their model classes, without what a picture does not need."""

from __future__ import annotations
