"""A sheet shows every picture where its labels say, and says why one is missing."""

from __future__ import annotations

import pytest
from PIL import Image, ImageChops, ImageDraw

from lora_mixer.errors import RequestError
from lora_mixer.sheet import Failed, Labels, draw_sheet, fonts, save_sheet
from lora_mixer.sheet.fonts import runs_of
from lora_mixer.sheet.layout import lay_out, rows_per_page, tile_size
from lora_mixer.sheet.text import draw_text, fit

COLOURS = [["red", "green", "blue"], ["black", "yellow", "purple"]]
LABELS = Labels(columns=("a 0", "a 0.5", "a 1"), rows=("b 0", "b 1"), title="Title", footer="seed 7")


def _pictures(side: int = 128) -> list[list[Image.Image]]:
    return [[Image.new("RGB", (side, side), colour) for colour in row] for row in COLOURS]


def _middle(sheet: Image.Image, labels: Labels, row: int, column: int, tile: tuple[int, int]) -> object:
    layout = lay_out(labels, 2, 3, tile)
    x = layout.left + column * layout.step[0] + tile[0] // 2
    return sheet.getpixel((x, layout.top + row * layout.step[1] + tile[1] // 2))


def test_every_picture_stands_in_its_row_and_column():
    sheet = draw_sheet(_pictures(), LABELS)
    for row, colours in enumerate(COLOURS):
        for column, colour in enumerate(colours):
            expected = Image.new("RGB", (1, 1), colour).getpixel((0, 0))
            assert _middle(sheet, LABELS, row, column, (256, 256)) == expected


def test_pictures_from_files_and_from_memory_give_the_same_sheet(tmp_path):
    paths = [[tmp_path / f"{y}{x}.png" for x in range(3)] for y in range(2)]
    for row, pictures in zip(paths, _pictures(), strict=True):
        for path, picture in zip(row, pictures, strict=True):
            picture.save(path)
    difference = ImageChops.difference(draw_sheet(paths, LABELS), draw_sheet(_pictures(), LABELS))
    assert difference.getbbox() is None


def test_every_label_is_drawn():
    with_labels = draw_sheet(_pictures(), LABELS)
    for changed in ("columns", "rows", "title", "footer"):
        value = getattr(LABELS, changed)
        other = "Xitle" if isinstance(value, str) else ("X" + value[0][1:], *value[1:])
        fields = {n: getattr(LABELS, n) for n in ("columns", "rows", "title", "footer")} | {changed: other}
        other_sheet = draw_sheet(_pictures(), Labels(**fields))
        assert other_sheet.tobytes() != with_labels.tobytes(), changed


def test_a_picture_that_failed_is_marked_and_the_others_stay(tmp_path):
    cells = [[*row] for row in _pictures()]
    cells[0][1] = Failed(reason="out of memory")
    cells[1][0] = tmp_path / "not-there.png"
    sheet = draw_sheet(cells, LABELS)
    plain = draw_sheet(_pictures(), LABELS)
    assert _middle(sheet, LABELS, 0, 0, (256, 256)) == _middle(plain, LABELS, 0, 0, (256, 256))
    assert _middle(sheet, LABELS, 0, 1, (256, 256)) != _middle(plain, LABELS, 0, 1, (256, 256))
    assert _middle(sheet, LABELS, 1, 0, (256, 256)) != _middle(plain, LABELS, 1, 0, (256, 256))


def test_small_pictures_are_enlarged_by_a_whole_number_and_large_ones_are_not():
    assert tile_size((64, 64), 4, None) == (192, 192)
    assert tile_size((128, 128), 4, None) == (256, 256)
    assert tile_size((512, 768), 4, None) == (512, 768)
    assert tile_size((128, 128), 4, 1) == (128, 128)


def test_a_row_too_wide_for_any_viewer_is_shown_smaller():
    width, _ = tile_size((1024, 1024), 100, None)
    assert 100 * width < 16_000


def test_a_grid_too_large_becomes_pages_that_hold_every_row(tmp_path):
    picture = Image.new("RGB", (512, 512))
    cells = [[picture] * 8 for _ in range(40)]
    labels = Labels(rows=[f"row {n}" for n in range(40)], title="large")
    assert rows_per_page(labels, 8, (512, 512)) < 40
    with pytest.raises(RequestError, match="pages"):
        draw_sheet(cells, labels)
    tall = Labels(rows=labels.rows)
    assert (
        sum(
            len(labels.rows[i : i + rows_per_page(tall, 8, (512, 512))])
            for i in range(0, 40, rows_per_page(tall, 8, (512, 512)))
        )
        == 40
    )
    pages = save_sheet([[Image.new("RGB", (8, 8))]] * 130, Labels(), tmp_path / "grid.webp")
    assert [page.name for page in pages] == ["grid.webp", "grid-2.webp"]


def test_an_empty_grid_and_an_unknown_ending_are_refused(tmp_path):
    with pytest.raises(RequestError):
        draw_sheet([], Labels())
    with pytest.raises(RequestError):
        save_sheet(_pictures(), LABELS, tmp_path / "grid.txt")


@pytest.mark.parametrize("text", ["x" * 5000, "word " * 1000, "", " ", "\n\n", "猫" * 700, "a\0b"])
def test_a_label_never_leaves_its_box(text):
    fitted = fit(text, width=150, lines=3, size=20)
    assert len(fitted.lines) <= 3
    assert fitted.width <= 150


def test_a_character_no_font_has_is_drawn_as_the_replacement_character():
    assert "".join(run.text for run in runs_of("a\U0010fffdb", 16)) == "a\ufffdb"


SCRIPTS = {
    "chinese": "猫在月亮上",
    "japanese": "ねこネコ猫",
    "korean": "고양이",
    "greek": "γάτα",
    "cyrillic": "кошка",
    "thai": "แมว",
    "hebrew": "חתול",
    "arabic": "قطة",
    "hindi": "बिल्ली",
    "vietnamese": "mèo dễ thương",
    "emoji": "🐱🚀❤️👩‍🚀",
    "symbols": "★→±",
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_drawn_as_itself_by_the_fonts_of_the_package_alone(script, monkeypatch):
    monkeypatch.setattr(fonts, "_system_fonts", tuple)
    runs = runs_of(f"a {SCRIPTS[script]}", 20)
    assert "".join(run.text for run in runs) == f"a {SCRIPTS[script]}"


def test_a_title_may_mix_scripts_and_all_of_it_has_ink_on_one_baseline(monkeypatch):
    monkeypatch.setattr(fonts, "_system_fonts", tuple)
    title = "cat 猫 γάτα แมว кошка 🐱"
    assert len({run.font.getname() for run in runs_of(title, 20)}) == 5
    for word in title.split():
        image = Image.new("L", (120, 60))
        draw_text(ImageDraw.Draw(image), fit(word, width=120, lines=1, size=20), (0, 0, 120, 60), 255)
        assert image.getbbox() is not None, word
        assert 12 < (image.getbbox()[1] + image.getbbox()[3]) / 2 < 44, word
