"""A prompt that is divided into regions by ratios, as Regional Prompter has it: `divide = "1,2,1"` or a table."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from lora_mixer.prompt import BASE_RATIO, Division, divide
from lora_mixer.promptfile.parts import Finite, StrictTable
from lora_mixer.regions import check_region
from lora_mixer.request import RenderRequest


class DivideTable(StrictTable):
    """How the prompt of a job is divided; what is left out is off."""

    ratios: str = ""
    mode: Literal["columns", "rows", "prompt"] = "columns"
    base: Annotated[Finite, Field(ge=0, le=1)] | str | None = None
    common: bool = False
    common_negative: bool = False
    flip: bool = False
    reverse: bool = False
    latent: bool = True

    def division(self) -> Division:
        """Return it as the prompt language has it."""
        return Division(
            ratios=self.ratios,
            rows=self.mode == "rows",
            found=self.mode == "prompt",
            common=self.common,
            common_negative=self.common_negative,
            flip=self.flip,
            reverse=self.reverse,
            plain=("BREAK",),
            everywhere=not self.latent,
            base=self.base is not None,
            base_ratios=BASE_RATIO if self.base is None else str(self.base),
        )


def short_divide(value: object) -> object:
    """Take `"1,2,1"` for the table."""
    return {"ratios": value} if isinstance(value, str) else value


def divided_request(request: RenderRequest, table: DivideTable) -> RenderRequest:
    """Return a request whose prompt is divided into regions, behind those it has.

    Raises:
        RequestError: A ratio is no size, or there are too many regions.
    """
    grammar = request.grammar or "default"
    parts = divide(request.prompt, request.negative or "", table.division(), grammar=grammar)
    own = tuple(one.region for one in parts.regions)
    for region in own:
        check_region(region)
    negative = request.negative if request.negative is None else parts.negative
    return replace(request, prompt=parts.prompt, negative=negative, regions=(*request.regions, *own))
