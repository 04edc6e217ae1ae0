"""What the page's script says is in the table of words, in both languages; what is chosen from lists is, too."""

from __future__ import annotations

import re
from itertools import pairwise

from lora_mixer.choices import METHODS
from lora_mixer_app.web.choice_i18n import CHOICES_IN_CHINESE
from lora_mixer_app.web.desk.advanced import CONTROLS, MAIN, START
from lora_mixer_app.web.desk.curves import PRESETS as CURVES
from lora_mixer_app.web.files import STATIC
from lora_mixer_app.web.i18n import WORDS
from lora_mixer_app.web.mixing_i18n import METHOD_NUMBERS_IN_CHINESE, METHODS_IN_CHINESE

SCRIPTS = sorted(STATIC.rglob("*.js"))
KEYS = {word.key for word in WORDS}
TOLD = re.compile(r"""(?:(?:aria-label|\btitle|placeholder|\balt)"?:\s*|Error\()(["`])(?P<text>(?:(?!\1).)*)\1""")
"""What stands in an attribute that is read, or in an error, as it is written there."""
NAMES = {"sampler", "hires.sampler", "hires.schedule", "preset", "method"}
"""Controls whose values are proper names, but for `Automatic`; a method has a title."""
PROPER = {"Lanczos"}
OURS = {"no sentence called ${key}", "there is no module ${name}"}
"""What only somebody hears who forgot a row."""


def test_scripts_say_nothing_of_their_own() -> None:
    for script in SCRIPTS:
        code, name = script.read_text(encoding="utf-8"), script.relative_to(STATIC).as_posix()
        told = {match["text"] for match in TOLD.finditer(code)} - OURS
        bare = {text: re.sub(r"\$\{[^}]*\}?|LoRA", "", text) for text in told}
        assert [text for text, rest in bare.items() if re.search(r"[A-Za-z]{2,}", rest)] == [], name
        assert set(re.findall(r"""\bsay\(\s*"(\w+)\"""", code)) <= KEYS, name
        for begins in re.findall(r"\bsay\(\s*`(\w+)\$\{", code):
            assert any(key.startswith(begins) for key in KEYS), (name, begins)


def test_whatever_is_chosen_from_a_list_is_called_something_in_chinese() -> None:
    for control in (*MAIN, *CONTROLS, *START):
        form = control.form()
        if form["shape"] == "choice" and control.field not in NAMES | {"schedule"}:
            assert set(form["choices"]) - PROPER == set(form["chinese"]), control.field
    assert {name for name, _ in CURVES} == set(CHOICES_IN_CHINESE["curve"])
    one_thing = {"the sum": "sum"}  # as the list calls it, and as records do
    for setting, called in CHOICES_IN_CHINESE.items():
        things = {one_thing.get(name, name) for name in called}
        assert len(set(called.values())) == len(things), setting


def test_every_method_says_in_chinese_what_it_does_and_what_its_numbers_mean() -> None:
    assert {method.name for method in METHODS} == set(METHODS_IN_CHINESE)
    assert {number.meaning for method in METHODS for number in method.numbers} == set(METHOD_NUMBERS_IN_CHINESE)


def test_both_languages_fill_in_the_same() -> None:
    blanks = re.compile(r"\{(\w+)\}")
    for word in WORDS:
        english, chinese = (sorted(blanks.findall(text)) for text in (word.english, word.chinese))
        assert english == chinese, word.key
        assert not any(a == b == " " for a, b in pairwise(word.chinese)), word.key
