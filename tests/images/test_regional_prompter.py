"""Pictures that Regional Prompter divided: their places are read from its fields, and what cannot be drawn so is named.

Expected places follow its README ("Divide ratio", "2D region assignment", "Difference between base and common") and
`matrixdealer` and `keyconverter` in its code.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_mixer import Rectangle, RenderRequest
from lora_mixer.errors import RequestError
from lora_mixer.images import parse_infotext
from lora_mixer.images.request_of import request_of
from lora_mixer.prompt.ratios import cells_of, fitted

FIELDS = {
    "RP Active": "True",
    "RP Divide mode": "Matrix",
    "RP Matrix submode": "Columns",
    "RP Mask submode": "Mask",
    "RP Prompt submode": "Prompt",
    "RP Calc Mode": "Attention",
    "RP Ratios": "1,1",
    "RP Base Ratios": "0.2",
    "RP Use Base": "False",
    "RP Use Common": "False",
    "RP Use Ncommon": "False",
    "RP Options": '["["]',  # as releases of 2023 wrote it
    "RP LoRA Neg Te Ratios": "0",
    "RP LoRA Neg U Ratios": "0",
    "RP threshold": "0.4",
    "RP LoRA Stop Step": "0",
    "RP LoRA Hires Stop Step": "0",
    "RP Flip": "False",
}


def told(prompt: str, negative: str = "", **fields: str) -> tuple[RenderRequest, list[str]]:
    said = FIELDS | {f"RP {name.replace('_', ' ')}": value for name, value in fields.items()}
    line = ", ".join(
        f'{key}: "{value}"' if set(value) & set(",;") else f"{key}: {value}" for key, value in said.items()
    )
    text = f"{prompt}\nNegative prompt: {negative}\nSteps: 20, Sampler: Euler a, Seed: 7, Size: 512x512, {line}, Version: v1.9.0"
    request, notes = request_of(parse_infotext(text))
    return request, [note for note in notes if "RNG" not in note]


def edges(request: RenderRequest) -> list[tuple[float, ...]]:
    masks = (region.mask for region in request.regions)
    return [tuple(round(x, 3) for x in (m.left, m.top, m.right, m.bottom)) for m in masks if isinstance(m, Rectangle)]


def texts(request: RenderRequest) -> list[str]:
    return [region.prompt for region in request.regions]


def test_breaks_divide_by_the_ratios() -> None:
    request, notes = told("a BREAK b BREAK c", Ratios="1,2,1")
    assert (request.prompt, texts(request), notes) == ("", ["a", "b", "c"], [])
    assert edges(request) == [(0, 0, 0.25, 1), (0.25, 0, 0.75, 1), (0.75, 0, 1, 1)]
    for rows in ({"Matrix_submode": "Rows"}, {"Divide_mode": "Vertical"}):  # the second as of 2023
        assert edges(told("a BREAK b", Ratios="3,1", **rows)[0]) == [(0, 0, 1, 0.75), (0, 0.75, 1, 1)]
    assert texts(told("a AND b", Ratios="1,1")[0]) == ["a", "b"]
    assert texts(told("a AND b BREAK c", Ratios="1,1", Options="disable convert 'AND' to 'BREAK'")[0]) == [
        "a AND b",
        "c",
    ]
    assert texts(told("a AND b BREAK c", Ratios="1,1", Change_AND="True")[0]) == ["a AND b", "c"]
    assert texts(told("a BREAK b BREAK c", Ratios="1,1")[0]) == ["a", "b BREAK c"]  # one more is a chunk


def test_lines_of_cells_as_in_the_readme() -> None:
    sky = "(blue sky:1.2) ADDCOL\ngreen hair ADDCOL\n(aquarium:1.3) ADDROW\n(messy desk:1.2) ADDCOL\norange dress"
    expected = [(0, 0, 0.5, 0.333), (0.5, 0, 0.75, 0.333), (0.75, 0, 1, 0.333), (0, 0.333, 0.4, 1), (0.4, 0.333, 1, 1)]
    assert edges(told(sky, Ratios="1,2,1,1;2,4,6")[0]) == expected
    broken = sky.replace("ADDCOL", "BREAK").replace("ADDROW", "BREAK")
    assert edges(told(broken, Ratios="1,2,1,1;2,4,6")[0]) == expected
    flipped, _ = told(broken, Ratios="1;2;1;1,2;4;6", Flip="True")
    assert edges(flipped) == expected
    by_columns, _ = told("a ADDROW b ADDCOL c", Ratios="1;3;1,2;1", Matrix_submode="Rows")
    assert edges(by_columns) == [(0, 0, 0.333, 0.75), (0, 0.75, 0.333, 1), (0.333, 0, 1, 1)]


def test_one_direction_is_divided_by_all_numbers_whatever_the_mode() -> None:
    rows = [(0, 0, 1, 0.25), (0, 0.25, 1, 1)]
    for mode in ("Columns", "Rows"):
        assert edges(told("a ADDROW b", Ratios="1,3", Matrix_submode=mode)[0]) == rows
        assert edges(told("a ADDCOL b", Ratios="1,3", Matrix_submode=mode)[0]) == [(0, 0, 0.25, 1), (0.25, 0, 1, 1)]


def test_common_base_and_negative_texts() -> None:
    request, notes = told(
        "fine BREAK girl BREAK red hair BREAK green dress",
        "bad BREAK x BREAK y BREAK z",
        Use_Common="True",
        Use_Base="True",
        Use_Ncommon="True",
        Base_Ratios="0.2,0.5",
    )
    assert (request.prompt, request.negative, notes) == ("fine, girl", "bad, x", [])
    assert texts(request) == ["fine, red hair", "fine, green dress"]
    assert [(region.weight, region.negative) for region in request.regions] == [(0.8, "bad, y"), (0.5, "bad, z")]
    written, _ = told("fine ADDCOMM girl ADDBASE red hair BREAK green dress")
    assert (written.prompt, texts(written)) == (request.prompt, texts(request))
    back, _ = told("fine BREAK a BREAK b", Use_Common="True", Options="Flip prompts")
    assert texts(back) == ["fine, b", "fine, a"]


def test_loras_act_everywhere_as_there_unless_its_mode_is_latent() -> None:
    prompt = "fine <lora:ink:1> ADDCOMM a <lora:left:0.5> BREAK b"
    everywhere, notes = told(prompt)
    assert (everywhere.prompt, texts(everywhere), notes) == (
        "fine <lora:ink:1> <lora:left:0.5>",
        ["fine, a", "fine, b"],
        [],
    )
    latent, notes = told(prompt, Calc_Mode="Latent", LoRA_Stop_Step="12", LoRA_Neg_U_Ratios="0.5")
    assert (latent.prompt, texts(latent)) == ("fine <lora:ink:1>", ["fine, a <lora:left:0.5>", "fine, b"])
    assert ["Latent" in notes[0], "RP LoRA Neg U Ratios 0.5" in notes[1], "RP LoRA Stop Step 12" in notes[2]] == [
        True
    ] * 3


def test_places_that_were_found_are_found_here() -> None:
    request, notes = told("lady, white skirt, shirt BREAK (apple printed:1.4),shirt", Divide_mode="Prompt")
    assert (request.prompt, request.regions[0].mask, request.regions[0].words) == (
        "lady, white skirt, shirt",
        None,
        "shirt",
    )
    assert "threshold (0.4)" in notes[0]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"Divide_mode": "Mask"}, "a painted mask, which the picture does not hold"),
        ({"Matrix_submode": "Random"}, "drawn at random"),
        ({"Ratios": "1,-1"}, "'-1' in a ratio is no size"),
        ({"Ratios": "0,0"}, "divides nothing"),
        ({"Ratios": "1," * 600}, "letters"),
        ({"Use_Base": "True", "Base_Ratios": "3"}, "no share"),
    ],
)
def test_what_has_no_places_in_the_text_is_named_and_read_as_one_prompt(fields: dict[str, str], said: str) -> None:
    request, notes = told("a ADDCOL b BREAK c", **fields)
    assert request.regions == ()
    assert request.prompt == "a BREAK b BREAK c"
    assert said in " ".join(notes)


def test_fields_of_a_picture_it_was_not_active_in_mean_nothing() -> None:
    request, notes = told("a BREAK b", Active="False")
    assert (request.prompt, request.regions, notes) == ("a BREAK b", (), [])


def test_too_few_and_too_many_numbers() -> None:
    assert fitted([[1, 2], [3, 4, 5, 6]], [2, 1, 1], headed=True) == ([1, 3, 5], [[2, 2], [4], [6]])
    assert fitted([[1]], [1, 2], headed=False) == ([1, 1], [[1], [1, 1]])
    assert list(cells_of([1, 1], "0,1", rows=False)) == [None, Rectangle(left=0, top=0, right=1, bottom=1)]


@given(
    text=st.text(st.sampled_from("01.,;- e"), max_size=30),
    counts=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    rows=st.booleans(),
)
def test_cells_cover_the_picture_once_whatever_the_ratio(text: str, counts: list[int], rows: bool) -> None:
    try:
        cells = list(cells_of(counts, text, rows=rows))
    except RequestError:
        return
    assert len(cells) == sum(counts)
    area = sum((cell.right - cell.left) * (cell.bottom - cell.top) for cell in cells if cell is not None)
    assert area == pytest.approx(1.0)


WORDS = st.sampled_from(
    ["ADDCOMM", "ADDBASE", "ADDROW", "ADDCOL", "ADDP", "BREAK", "AND", "a", "<lora:x:1>", ",", "(b:1.2)"]
)
ANY = st.dictionaries(
    st.sampled_from([key.removeprefix("RP ") for key in FIELDS]),
    st.one_of(
        st.sampled_from(["True", "Prompt", "Mask", "Latent", "Rows", "Horizontal", "Flip prompts", "Comment Out `#`"]),
        st.text(st.sampled_from("019.;,-x"), max_size=8),
    ),
    max_size=8,
)


@given(prompt=st.lists(WORDS, max_size=12), negative=st.lists(WORDS, max_size=5), fields=ANY)
def test_no_field_keeps_a_picture_from_being_read(
    prompt: list[str], negative: list[str], fields: dict[str, Any]
) -> None:
    request, _ = told(" ".join(prompt), " ".join(negative), **{"Active": "True", **fields})
    assert isinstance(request, RenderRequest)
