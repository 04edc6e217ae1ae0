"""Places of a picture that Regional Prompter divided, from the fields it writes into an infotext.

Format: `scripts/rp.py` of hako-mikan/sd-webui-regional-prompter (`extra_generation_params`); its older releases write
`Horizontal` and `Vertical` for the mode itself, and `RP Change AND` for an option.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lora_mixer.errors import RequestError
from lora_mixer.images.readers.draft import shown
from lora_mixer.prompt import Division, divide, undivided
from lora_mixer.regions import Region, check_region

PREFIX = "RP "
ROWS = frozenset({"rows", "vertical"})
SUBMODES: Mapping[str, str] = {"matrix": "RP Matrix submode", "prompt": "RP Prompt submode"}
KEEPS_AND = "disable convert 'AND' to 'BREAK'"
KEEPS_BREAK = "Use BREAK to change chunks"
REVERSES = "Flip prompts"
COMMENTS = "Comment Out `#`"
UNPLACED: Mapping[str, str] = {
    "mask": "places were a painted mask, which the picture does not hold",
    "random": "places were drawn at random",
    "nope": "no way of dividing is named",
}
"""Modes whose places are not in the text, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedTexts:
    """What the fields make of a picture's prompts.

    Attributes:
        prompt: The picture's own.
        negative: Its own negative prompt.
        regions: Its regions.
        notes: What is not drawn as it was there.
    """

    prompt: str
    negative: str
    regions: tuple[Region, ...] = ()
    notes: tuple[str, ...] = ()


def placed_texts(fields: Mapping[str, str], prompt: str, negative: str, grammar: str) -> PlacedTexts:
    """Return the prompts of an infotext as its fields of Regional Prompter divide them; as they are where it is not active."""
    if not _yes(fields, "Active"):
        return PlacedTexts(prompt=prompt, negative=negative)
    if COMMENTS in _options(fields):
        prompt, negative = _uncommented(prompt), _uncommented(negative)
    mode = _mode(fields)
    if mode in UNPLACED:
        note = f"Regional Prompter: {UNPLACED[mode]}; all is read as one prompt, give regions of your own"
        return PlacedTexts(prompt=undivided(prompt), negative=undivided(negative), notes=(note,))
    how = _division(fields, mode)
    try:
        parts = divide(prompt, negative, how, grammar=grammar)
        for one in parts.regions:
            check_region(one.region)
    except RequestError as error:
        note = f"Regional Prompter: {error.what}, so all is read as one prompt"
        return PlacedTexts(prompt=undivided(prompt), negative=undivided(negative), notes=(note,))
    regions = tuple(one.region for one in parts.regions)
    notes = tuple(_changed(fields, mode, found=any(region.mask is None for region in regions)))
    return PlacedTexts(prompt=parts.prompt, negative=parts.negative, regions=regions, notes=notes)


def _division(fields: Mapping[str, str], mode: str) -> Division:
    options = _options(fields)
    keeps_and = KEEPS_AND in options or _yes(fields, "Change AND")
    plain = [] if KEEPS_BREAK in options else ["BREAK"]
    return Division(
        ratios=fields.get("RP Ratios", ""),
        rows=mode in ROWS,
        base=_yes(fields, "Use Base"),
        base_ratios=fields.get("RP Base Ratios", "0"),
        common=_yes(fields, "Use Common"),
        common_negative=_yes(fields, "Use Ncommon"),
        flip=_yes(fields, "Flip"),
        reverse=REVERSES in options,
        found=mode.startswith("prompt"),
        plain=tuple(plain if keeps_and else [*plain, "AND"]),
        everywhere=not _is_latent(fields),
    )


def _changed(fields: Mapping[str, str], mode: str, *, found: bool) -> Iterator[str]:
    """Yield what is drawn otherwise here."""
    if _is_latent(fields):
        yield "Regional Prompter drew each region by itself (Latent); here all are drawn at once, LoRAs within their region"
        neg = [name for name in ("RP LoRA Neg Te Ratios", "RP LoRA Neg U Ratios") if _set(fields, name)]
        yield from (
            f"{name} {shown(fields[name])} is not carried over: LoRAs act on negatives as on prompts" for name in neg
        )
    if found:
        yield f"Regional Prompter found places by a threshold ({shown(fields.get('RP threshold', '0.4'))}); here they are found without one"
    if mode == "prompt-ex":
        yield "Regional Prompter laid places over each other (Prompt-Ex); here they do not overlap"
    for name in ("RP LoRA Stop Step", "RP LoRA Hires Stop Step"):
        if _set(fields, name):
            yield f"{name} {shown(fields[name])} is not carried over: LoRAs act in all steps"


def _mode(fields: Mapping[str, str]) -> str:
    tab = fields.get("RP Divide mode", "Matrix").strip().lower()
    submode = SUBMODES.get(tab)
    return tab if submode is None else fields.get(submode, tab).strip().lower()


def _is_latent(fields: Mapping[str, str]) -> bool:
    return fields.get("RP Calc Mode", "").strip().lower() == "latent"


def _options(fields: Mapping[str, str]) -> str:
    return fields.get("RP Options", "")


def _yes(fields: Mapping[str, str], name: str) -> bool:
    return fields.get(f"RP {name}", "").strip() == "True"


def _set(fields: Mapping[str, str], name: str) -> bool:
    return fields.get(name, "0").strip() not in {"0", "", "0.0"}


def _uncommented(text: str) -> str:
    lines = (line.partition("#")[0].strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
