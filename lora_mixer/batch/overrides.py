"""What the command line lays over every job of a prompt file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lora_mixer.batch.promptfile import PromptFile
from lora_mixer.request import LoraUse, RenderRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Values that win over the file's.

    Attributes:
        loras: Adapters added to every picture's mix.
        styles: Styles added to every picture's.
        fields: Fields of `RenderRequest` by name; None leaves the file's value.
    """

    loras: tuple[LoraUse, ...] = ()
    styles: tuple[str, ...] = ()
    fields: Mapping[str, object] = field(default_factory=dict)

    def over(self, plan: PromptFile) -> PromptFile:
        """Return the plan with these values in every job."""
        return replace(plan, jobs=tuple(replace(job, request=self._request(job.request)) for job in plan.jobs))

    def _request(self, request: RenderRequest) -> RenderRequest:
        given = {name: value for name, value in self.fields.items() if value is not None}
        mixed = replace(request, loras=(*request.loras, *self.loras), styles=(*request.styles, *self.styles))
        return replace(mixed, **given)  # type: ignore[arg-type]  # names are RenderRequest's, checked by the caller's options


def describe(plan: PromptFile) -> str:
    """Return the jobs of a plan as text, one line a picture, for a dry run."""
    lines = []
    for number, job in enumerate(plan.jobs):
        mix = " ".join(f"{use.name}={use.strength.unet:g}" for use in job.request.loras)
        lines.append(f"{number:04}  {job.name}  {job.request.prompt!r}" + (f"  [{mix}]" if mix else ""))
    return "\n".join([*lines, f"{len(plan.jobs)} pictures of {len({job.line for job in plan.jobs})} entries"])
