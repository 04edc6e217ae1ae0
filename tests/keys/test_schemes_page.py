"""docs/schemes.md says what the tables say."""

from __future__ import annotations

import re
from pathlib import Path

from lora_mixer.adapters import KINDS
from lora_mixer.families import SDXL, all_families
from lora_mixer.families.recognised import RECOGNISED
from lora_mixer.keys import SCHEMES, SLOT_OF, preset_names, scheme_of
from lora_mixer.keys.blocks import lists
from lora_mixer.keys.methods import METHODS
from lora_mixer.mapping.dictionary import dictionary
from lora_mixer.models import family_index

PAGE = (Path(__file__).parents[2] / "docs" / "schemes.md").read_text(encoding="utf-8")


def rows_under(heading: str) -> list[list[str]]:
    lines = PAGE.split(heading)[1].split("\n\n|", 1)[1].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]


def test_the_page_has_a_row_for_each_scheme_with_an_example_that_is_one_and_the_parts_it_names():
    rows = rows_under("## The table")
    assert [row[0].strip("`") for row in rows] == [scheme.name for scheme in SCHEMES]
    for row, scheme in zip(rows, SCHEMES, strict=True):
        example = row[2].strip("`")
        assert scheme_of(example) is scheme
        assert dictionary(family_index(SDXL), scheme)[example]
        spelled = {
            name.part
            for family in all_families()
            for name in family_index(family).modules
            if scheme.spell(name, family)
        }
        assert set(re.findall(r"denoiser|te1|te2", row[3])) == spelled


def test_the_page_has_every_list_of_block_weights_and_every_preset():
    rows = rows_under("`lbw=` takes")
    assert [int(row[0]) for row in rows] == sorted(lists())
    for row in rows:
        named = row[2].split()
        first, last = lists()[int(row[0])][0], lists()[int(row[0])][-1]
        assert (named[0], named[-1]) == (first, last)
        assert set(named) - {".."} <= set(lists()[int(row[0])])
    assert all(f"`{preset}`" in PAGE for preset in preset_names())


def test_every_slot_a_kind_knows_has_an_ending_in_files():
    known = set().union(*(form | kind.form.modifiers for kind in KINDS for form in kind.form.cores))
    assert known <= set(SLOT_OF.values()) | {"ia3", "terms", "coft"}  # which PEFT writes beside the tensors
    assert set(SLOT_OF.values()) - {"weight"} <= known


def test_the_page_names_every_family_and_method_of_the_tables():
    words = " ".join(PAGE.split())
    families = {row.title for row in RECOGNISED if " or " not in row.title and "alone" not in row.title}
    families -= {"a transformer that is not known here"}
    for title in families | {
        row.title.removeprefix("PEFT's ").removeprefix("a ").removeprefix("an ") for row in METHODS
    }:
        assert title.replace("a core bm", "a core `bm`") in words or title == "XLabs LoRA for Flux", title
