"""Entries of a prompt file: checked, and made into requests over the defaults.

A file may hold 100,000 of them. What all have in common is done once: the checks are looked up field by field, the defaults
are a request already, and a request that differs from another one is copied from it without being checked again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import TypeAdapter

from lora_mixer.errors import RequestError
from lora_mixer.mixes import LoraUse
from lora_mixer.promptfile.copies import EMPTY, Copies
from lora_mixer.promptfile.dividing import DivideTable, divided_request
from lora_mixer.promptfile.parts import HiresTable, RegionTable, check_sides, sides_of
from lora_mixer.promptfile.plan import PromptEntry
from lora_mixer.promptfile.schema import EntryTable, Fault, FieldsTable, read_table
from lora_mixer.request import RenderRequest

REMEMBERED = 1000
"""Mixes of a file that are kept."""
NO_PROMPT = "there is no prompt"
_OURS = frozenset({"name", "count", "divide"})  # an entry's, no request's
_FILES = frozenset({"init", "mask", "regions", "divide"})
_SIDES = frozenset({"size", "width", "height"})
_SPECIAL = _SIDES | {"loras", "styles", "regions", "hires"}  # the last four are put together with those of the defaults


class EntryReader:
    """Reads the entries of one file.

    Args:
        defaults: What the file says for all of them.
        strict: Take `20` but not `"20"` for a number.
        prompted: Whether an entry may do without a prompt.
        varied: Whether its prompt is another one at every place of an axis.

    Attributes:
        names_files: Whether the defaults or an entry read so far may name pictures.
    """

    def __init__(
        self, defaults: FieldsTable | None = None, *, strict: bool = True, prompted: bool = False, varied: bool = False
    ) -> None:
        given = {} if defaults is None else _said(defaults)
        self._base = _laid_over(EMPTY, Copies(EMPTY), given)
        self._copies = Copies(self._base)
        self.names_files = any((self._base.init, self._base.mask, self._base.regions))
        self._uses: dict[str, tuple[LoraUse, ...]] = {}
        self._strict = strict
        self._prompted = prompted or varied or "prompt" in given
        self._varied = varied

    def read(self, table: object, line: int, *, hints: bool = True) -> PromptEntry | tuple[Fault, ...]:
        """Return an entry, or what is wrong in it.

        Args:
            table: What the file says.
            line: The line it stands on.
            hints: Tell the nearest key of one that is not known.
        """
        own = self._checked(table)
        if own is None:  # the whole table's check words what is wrong
            entry = read_table(EntryTable, table, strict=self._strict, hints=hints)
            if not isinstance(entry, EntryTable):
                return entry
            own = _said(entry)
        if not self._prompted and "prompt" not in own:
            return (Fault(key=(), what=NO_PROMPT),)
        self.names_files = self.names_files or not _FILES.isdisjoint(own)
        name, pictures, how = "", 1, None
        if not _OURS.isdisjoint(own):
            name, pictures, how = own.pop("name", ""), own.pop("count", 1), own.pop("divide", None)
        request = _laid_over(self._base, self._copies, own)
        if how is not None:
            try:
                request = self._divided(request, how)
            except RequestError as error:
                return (Fault(key=("divide",), what=str(error)),)
        return PromptEntry(name, request, line, pictures)

    def _divided(self, request: RenderRequest, how: DivideTable) -> RenderRequest:
        if self._varied:
            raise RequestError(
                "an axis varies the prompt, so it cannot be divided", remedy="Write regions in each prompt."
            )
        return divided_request(request, how)

    def _checked(self, table: object) -> dict[str, Any] | None:
        """Return what a table says; None if something in it is wrong."""
        if type(table) is not dict:
            return None
        checks, own, strict = _checks(), dict[str, Any](), self._strict
        try:
            for name, given in table.items():
                value = self._loras(given) if name == "loras" else checks[name](given, strict=strict)
                if value is not None:
                    own[name] = value
            if not _SIDES.isdisjoint(own):
                check_sides(own.get("size"), own.get("width"), own.get("height"))
        except (KeyError, ValueError, RecursionError):  # pydantic's errors are of the second class
            return None
        return own

    def _loras(self, given: object) -> tuple[LoraUse, ...]:
        """Return an entry's LoRAs; what many entries say alike is made once.

        Raises:
            ValueError: Something in it is wrong.
        """
        key = repr(given)
        if key not in self._uses:
            if len(self._uses) >= REMEMBERED:
                self._uses.clear()
            self._uses[key] = tuple(table.use() for table in _checks()["loras"](given, strict=self._strict))
        return self._uses[key]


@cache
def _checks() -> Mapping[str, Callable[..., Any]]:
    """Return the check of each field of an entry."""
    checks = {}
    for name, row in EntryTable.model_fields.items():
        type_: Any = Annotated[row.annotation, None, *row.metadata]
        checks[name] = TypeAdapter(type_).validator.validate_python
    return checks


def _said(table: FieldsTable) -> dict[str, Any]:
    said = {name: getattr(table, name) for name in table.model_fields_set}
    if "loras" in said:
        said["loras"] = tuple(one.use() for one in table.loras)
    return {name: value for name, value in said.items() if value is not None}


def _laid_over(base: RenderRequest, copies: Copies, own: dict[str, Any]) -> RenderRequest:
    """Return a request with what a table says: LoRAs and styles are added, gaps are left as they are."""
    if not _SPECIAL.isdisjoint(own):
        if not _SIDES.isdisjoint(own):
            own["width"], own["height"] = sides_of(*(own.pop(side, None) for side in ("size", "width", "height")))
        own |= _joined(base, own)
    return copies.with_values(own)


def _joined(base: RenderRequest, own: Mapping[str, Any]) -> Mapping[str, object]:
    hires: HiresTable | None = own.get("hires")
    regions: list[RegionTable] = own.get("regions", [])
    return {
        "loras": (*base.loras, *own.get("loras", ())),
        "styles": (*base.styles, *own.get("styles", ())),
        "regions": (*base.regions, *(table.region() for table in regions)),
        "hires": base.hires if hires is None else hires.entry().over(base.hires),
    }
