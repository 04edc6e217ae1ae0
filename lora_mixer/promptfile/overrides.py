"""What the command line lays over every job of a prompt file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lora_mixer.choices import find_sampler
from lora_mixer.errors import RequestError
from lora_mixer.families import Family
from lora_mixer.hires import Hires
from lora_mixer.mixes import LoraUse
from lora_mixer.promptfile.reading import PromptFile
from lora_mixer.promptfile.schema import FieldsTable, read_table
from lora_mixer.regions import Region
from lora_mixer.request import RenderRequest
from lora_mixer.settings import PICTURE
from lora_mixer.settings.fitting import set_without_effect, unfit
from lora_mixer.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Values that win over the file's.

    Attributes:
        loras: Adapters added to every picture's mix.
        regions: Regions added to every picture's.
        styles: Styles added to every picture's.
        fields: Fields of `RenderRequest` by name; None leaves the file's value. A second pass is laid over the
            file's.
    """

    loras: tuple[LoraUse, ...] = ()
    regions: tuple[Region, ...] = ()
    styles: tuple[str, ...] = ()
    fields: Mapping[str, object] = field(default_factory=dict)

    def over(self, plan: PromptFile) -> PromptFile:
        """Return the plan with these values in every job.

        Raises:
            RequestError: The sampler of a job does not take the schedule or eta given here.
        """
        jobs = tuple(job._replace(request=self._request(job.request)) for job in plan.jobs)
        if any(self.fields.get(name) is not None for name in ("sampler", "schedule", "eta")):
            for name, schedule, eta in {(j.request.sampler, j.request.schedule, j.request.eta) for j in jobs}:
                if name is not None:
                    find_sampler(name, schedule, eta)
        return replace(plan, jobs=jobs)

    def check(self, family: Family) -> None:
        """Refuse values that do nothing for models of a family.

        Raises:
            RequestError: One does; `where` is its option.
        """
        for row in set_without_effect(self._request(RenderRequest(prompt="")), family):
            raise unfit(row, family, where=row.flag or row.name)

    def _request(self, request: RenderRequest) -> RenderRequest:
        given = {name: value for name, value in self.fields.items() if value is not None}
        if isinstance(hires := given.get("hires"), Hires):
            given["hires"] = hires.over(request.hires)
        if "preset" in given:  # the command line's preset wins over the file's own settings
            request = replace(request, sampler=None, schedule=None, eta=None, steps=None, cfg=None)
        mixed = replace(
            request,
            loras=(*request.loras, *self.loras),
            regions=(*request.regions, *self.regions),
            styles=(*request.styles, *self.styles),
        )
        return replace(mixed, **given)  # type: ignore[arg-type]  # names are RenderRequest's, checked by the caller's options


def read_options(**given: object) -> Mapping[str, object]:
    """Return settings given as options, checked as those of a prompt file are, before a model is opened.

    Args:
        given: Settings by name; None is not said.

    Raises:
        RequestError: A value its field cannot take, or a name that is not known; `where` is the option.
    """
    table = read_table(FieldsTable, {name: value for name, value in given.items() if value is not None}, strict=False)
    if isinstance(table, tuple):
        name = str(table[0].key[0]) if table[0].key else ""
        said = table[0].what.removeprefix(f"{name}: ")
        if name in {"width", "height"}:
            raise RequestError(f"{name} {said}", where="--size")
        raise RequestError(said, where=PICTURE[name].flag if name in PICTURE else None)
    checked = {name: getattr(table, name) for name in given if name != "hires"}
    return checked | {"hires": None if table.hires is None else table.hires.entry()}


def describe(plan: PromptFile) -> str:
    """Return the jobs of a plan as text, one line a picture, for a dry run."""
    lines = []
    for number, job in enumerate(plan.jobs):
        mix = " ".join(f"{use.name}={use.strength.denoiser:g}" for use in job.request.loras)
        lines.append(f"{number:04}  {job.name}  {job.request.prompt!r}" + (f"  [{mix}]" if mix else ""))
    return "\n".join(
        [
            *lines,
            f"{counted(len(plan.jobs), 'picture')} of {counted(len({job.line for job in plan.jobs}), 'entry', 'entries')}",
        ]
    )
