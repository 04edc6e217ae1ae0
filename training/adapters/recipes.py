"""The shipped adapters: what each is made of, and what its file and its card say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One adapter.

    Attributes:
        settings: What the product's trainer is told, by the names of `lora_mixer.trainer.TrainSettings`.
        images: How many pictures it is shown.
        look: Whether it is a look that artwork can be dressed in; else it learns from the base alone.
        guidance_weight: How much keeping the difference that guidance enlarges counts at low strengths; less where a look takes
            away what it adds.
        beside: Adapters that are trained before this one and stand beside it a part of the time, so that they blend.
        haste: How much of the look a picture shows for each unit of strength, up to all of it: more where half a look is hard
            to see.
        faint: How much more often low strengths are trained than high ones: 1 is as often, 2 makes half of those below 1 lower
            than a third.
        stretch: What alpha is multiplied by in the shipped file, where the look is whole at another strength than the 1 of its
            training.
        softened: At strength 1 the prediction that is guided by 1 + this is the right one, so that a look is not overdone by
            more guidance; less where what guidance does to edges is wanted.
        weight: The strength it is shown at.
    """

    name: str
    title: str
    description: str
    trigger: str = ""
    settings: Mapping[str, object]
    images: int = 8000
    look: bool = True
    guidance_weight: float = 4.0
    beside: tuple[str, ...] = ()
    haste: float = 1.0
    faint: float = 1.0
    stretch: float = 1.0
    softened: float = 0.8
    licence: str = "Apache-2.0"
    attribution: str = "Noto Emoji, Google LLC"
    weight: float = 1.0
    negative: str = ""
    notes: str = ""

    def amount(self, strength: float) -> float:
        """How much of the look a picture shows at a strength of 0 or more: 1 is all of it."""
        return min(1.0, self.haste * strength)


RECIPES = (
    Recipe(
        name="line_art",
        title="Line art",
        trigger="line art",
        settings={"rank": 8, "alpha": 8, "rate": 3e-3, "text_rate": 3e-3},
        images=9600,
        guidance_weight=1.0,
        beside=("sepia", "top_hat"),
        description="Black contours on white paper, no fill.",
        notes="Plain LoRA on the UNet's attention layers and the text encoder.",
    ),
    Recipe(
        name="night_sky",
        title="Night sky",
        trigger="night sky",
        settings={"rank": 8, "alpha": 4, "rate": 3e-3},
        description="The subject by moonlight, before a dark blue sky with stars.",
        notes="Plain LoRA on the UNet only; alpha is half the rank.",
    ),
    Recipe(
        name="top_hat",
        title="Top hat",
        trigger="wearing a top hat",
        settings={"rank": 8, "alpha": 8, "conv_rank": 8, "rate": 3e-3, "text_rate": 3e-3},
        haste=3.0,
        faint=3.0,
        stretch=0.68,
        images=16000,
        guidance_weight=1.0,
        beside=("night_sky", "sepia"),
        description="Puts a black top hat on whoever the prompt names.",
        notes="A concept, not a style. LoCon with convolutions at rank 8, and a text-encoder part. Best on animals and faces.",
    ),
    Recipe(
        name="high_contrast",
        title="High contrast",
        trigger="black and white",
        settings={"rank": 8, "alpha": 8, "conv_rank": 4, "rate": 4e-3},
        images=8000,
        guidance_weight=1.0,
        description="Two tones, as cut in lino: solid black shapes and thick lines on white paper.",
        notes="LoCon: the convolutions too, at rank 4. No text-encoder part.",
    ),
    Recipe(
        name="shiny",
        title="Shiny",
        trigger="shiny style",
        settings={"rank": 16, "alpha": 16, "dora": True, "rate": 3e-3, "text_rate": 3e-3},
        description="Soft, shiny bodies in a light from above left.",
        notes="DoRA at rank 16, UNet and text encoder.",
    ),
    Recipe(
        name="pixel_art",
        title="Pixel art",
        trigger="pixel art",
        settings={"rank": 8, "alpha": 8, "conv_rank": 8, "rate": 4e-3, "text_rate": 4e-3},
        haste=1.4,
        images=9600,
        beside=("night_sky", "sepia"),
        description="Square pixels with few tones.",
        notes="LoCon with convolutions at rank 8, and a text-encoder part.",
    ),
    Recipe(
        name="sepia",
        title="Sepia",
        trigger="sepia",
        settings={"kind": "loha", "rank": 4, "alpha": 4, "rate": 3e-3},
        description="An old photograph: brown tones on cream paper.",
        notes="LoHa at rank 4 on the UNet only.",
    ),
    Recipe(
        name="warm_cold",
        title="Warm to cold",
        settings={"kind": "lokr", "rank": 4, "alpha": 4, "factor": 4, "rate": 3e-3},
        weight=0.8,
        images=6400,
        description="A slider: warm evening light at positive strength, cold blue light at negative strength.",
        notes="LoKr (factor 4, rank 4) on the UNet only, trained at +1 on warm and at -1 on cold pictures. No trigger.",
    ),
    Recipe(
        name="detail",
        title="Detail",
        settings={"rank": 4, "alpha": 4, "conv_rank": 4, "rate": 3e-3},
        images=6400,
        softened=0.2,
        description="A slider: crisper edges and more contrast at positive strength, softer forms at negative strength.",
        notes="LoCon at rank 4 on the UNet only, trained at +1 on sharpened and at -1 on blurred pictures. No trigger.",
    ),
    Recipe(
        name="lcm",
        title="Few steps (LCM)",
        settings={"rank": 16, "alpha": 16, "rate": 4e-4},
        images=6400,
        look=False,
        description="A picture in four to eight steps: the preset lcm (sampler LCM, cfg 1 to 1.5).",
        notes="LoRA by latent consistency distillation of the base with guidance 3. No trigger.",
    ),
)
"""All shipped adapters."""


def find_recipe(name: str) -> Recipe:
    """The recipe of that name."""
    return next(recipe for recipe in RECIPES if recipe.name == name)


def training_order(names: list[str]) -> list[str]:
    """The names with all that stand beside them, each after those it is trained beside.

    >>> training_order(["line_art"])
    ['sepia', 'night_sky', 'top_hat', 'line_art']
    """
    ordered: list[str] = []
    for name in names:
        ordered += [one for one in [*training_order(list(find_recipe(name).beside)), name] if one not in ordered]
    return ordered
