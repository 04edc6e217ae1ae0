"""Adding a setting is one row: a row that is added here is seen everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = r'''
import json
import sys
from dataclasses import replace
from importlib.machinery import PathFinder, SourceFileLoader
from importlib.util import spec_from_loader
from pathlib import Path

ROW = """
PICTURE = Table((*PICTURE.rows, Setting(
    name="warmth", kind=Real(low=0, high=2), help="How warm the picture is.", default=1.0, infotext="Warmth",
    control=PageControl("Warmth", "暖度", slider=True, step=0.1),
), Setting(name="quiet", kind=Whole(low=0, high=9), help="Says nothing of the picture.", default=0, pixels=False),
Setting(name="depth", kind=Real(low=0, high=1), help="How deep.", default=0.0, families=frozenset({"sdxl"}))))
"""


class WithRow(SourceFileLoader):
    def source_to_code(self, data, path, **_):
        return super().source_to_code(data + ROW.encode(), path)

    def get_code(self, name):  # no bytecode that was kept
        return self.source_to_code(self.get_data(self.path), self.path)


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "lora_mixer.settings.picture":
            found = PathFinder.find_spec(name, path)
            return spec_from_loader(name, WithRow(name, found.origin), origin=found.origin)


sys.meta_path.insert(0, Finder)

from lora_mixer.settings import RenderRequest
from lora_mixer.catalog.read_models import read_models_text
from lora_mixer.errors import RequestError
from lora_mixer.images import RenderRecord, parse_infotext
from lora_mixer.images.request_of import request_of
from lora_mixer.images.describe import infotext
from lora_mixer.ledger.digest import job_digest
from lora_mixer.mixer.completing import settings_of
from lora_mixer.promptfile.reading import read_prompt_text
from lora_mixer.settings.pages import written
from lora_mixer.settings.stub import stub_text
from lora_mixer.catalog import Library
from lora_mixer.families import EMOJI, SDXL
from lora_mixer.promptfile import Overrides, read_options
from lora_mixer.runs.check import JobCheck
from lora_mixer.settings.fitting import fitted, refuse_unfit
from tests.support.painters import RECORD
from typer.testing import CliRunner

from lora_mixer_app.cli.program import build
from lora_mixer_app.web.desk.advanced import CONTROLS, asked_of, shown_for
from lora_mixer_app.web.desk.models import idle_fields
from lora_mixer_app.web.i18n import WORDS


def jobs(text, name):
    return [job.request for job in read_prompt_text(text, Path(name), strict=True).jobs]

def refusal(call):
    try:
        call()
    except Exception as error:
        return str(error)

def settings(request):
    return settings_of(request, model="emoji", native_size=(128, 128), emphasis="original")

SEEN = {}
asked = RenderRequest("cat", seed=1, warmth=1.5)
SEEN["request"] = asked.warmth
SEEN["request checks"] = refusal(lambda: RenderRequest("cat", warmth="hot"))
SEEN["nearest"] = refusal(lambda: RenderRequest("cat", warmht=1))
SEEN["range"] = refusal(lambda: settings(RenderRequest("cat", warmth=3.0)))
SEEN["default"] = settings(RenderRequest("cat")).warmth
SEEN["toml"] = jobs('[[jobs]]\nprompt = "cat"\nwarmth = 1.5\n', "a.toml")[0].warmth
SEEN["toml range"] = refusal(lambda: jobs('[[jobs]]\nprompt = "cat"\nwarmth = 3\n', "a.toml"))
SEEN["toml hint"] = refusal(lambda: jobs('[[jobs]]\nprompt = "cat"\nwarmht = 1\n', "a.toml"))
SEEN["defaults"] = jobs('[defaults]\nwarmth = 0.5\n[[jobs]]\nprompt = "cat"\n', "a.toml")[0].warmth
SEEN["axis"] = [r.warmth for r in jobs('[axes]\ncolumns = { warmth = "0..1:3" }\n[[jobs]]\nprompt = "cat"\n', "a.toml")]
SEEN["lines"] = jobs("cat --warmth 1.5", "a.txt")[0].warmth
SEEN["csv"] = jobs("prompt;warmth\ncat;1.5\n", "a.csv")[0].warmth
SEEN["jsonl"] = jobs('{"prompt": "cat", "warmth": 1.5}', "a.jsonl")[0].warmth
SEEN["models"] = read_models_text("[defaults]\nwarmth = 0.25\n", Path("models.toml"), base=Path()).defaults.warmth
filled = settings(asked)
record = replace(RECORD, settings=filled)
SEEN["record"] = RenderRecord.from_json(record.to_json()).settings.warmth
SEEN["old record"] = RenderRecord.from_json(
    json.dumps({**json.loads(record.to_json()), "settings": {
        name: value for name, value in json.loads(record.to_json())["settings"].items() if name not in ("warmth", "quiet", "depth")}})
).settings.warmth
SEEN["again"] = filled.request().warmth
SEEN["infotext"] = "Warmth: 1.5" in infotext(record)
SEEN["infotext of the default"] = "Warmth" in infotext(replace(record, settings=replace(filled, warmth=1.0)))
SEEN["infotext read"] = request_of(parse_infotext(infotext(record)))[0].warmth
one = job_digest(filled, {})
SEEN["digest"] = [one != job_digest(replace(filled, warmth=1.0), {}), one == job_digest(replace(filled, quiet=5), {})]
SEEN["old digest"] = job_digest(settings(RenderRequest("cat", seed=1)), {})
SEEN["stub"] = stub_text().count("    warmth: float")
SEEN["docs"] = written("<!-- settings: picture -->\n<!-- end -->")
SEEN["help"] = CliRunner().invoke(build(), ["render", "--help"], env={"COLUMNS": "200"}).output
SEEN["options"] = read_options(warmth="1.5")["warmth"]
SEEN["page"] = [control.field for control in CONTROLS]
SEEN["page round trip"] = asked_of(shown_for(RenderRequest("cat", warmth=1.5)))["warmth"]
models = read_models_text(
    '[defaults]\ndepth = 0.5\n[models.small]\nlocation = "builtin:emoji"\nfamily = "emoji"\n', Path("models.toml"), base=Path()
)
plan = read_prompt_text('[[jobs]]\nprompt = "cat"\nmodel = "small"\ndepth = 0.5\n', Path("a.toml"), strict=True)
(failure,) = JobCheck(plan, models, Library(())).failures().values()
SEEN["unfit in a file"] = f"{failure.where}: {failure.what}. {failure.remedy}"
SEEN["unfit option"] = refusal(lambda: Overrides(fields=read_options(depth="0.5")).check(EMOJI))
SEEN["unfit request"] = refusal(lambda: refuse_unfit(RenderRequest("cat", depth=0.5), EMOJI))
SEEN["fits"] = [refusal(lambda: refuse_unfit(RenderRequest("cat", depth=d), f)) for d, f in ((0.0, EMOJI), (0.5, SDXL))]
SEEN["unfit default"] = [fitted(models.defaults, family).depth for family in (EMOJI, SDXL)]
SEEN["unfit on the page"] = [idle_fields(EMOJI), idle_fields(SDXL)]
SEEN["labels"] = [list(message) for message in WORDS if message.key == "warmth"]
print(json.dumps(SEEN))
'''


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    """What a program saw that was started with three rows more."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "place",
    [
        *("request", "toml", "lines", "csv", "jsonl", "record", "again", "infotext read", "options", "page round trip"),
    ],
)
def test_a_row_is_read_and_kept(seen: dict[str, Any], place: str) -> None:
    assert seen[place] == 1.5


def test_a_row_has_a_default_and_levels_of_defaults(seen: dict[str, Any]) -> None:
    assert (seen["default"], seen["defaults"], seen["models"]) == (1.0, 0.5, 0.25)


def test_a_row_varies_along_an_axis(seen: dict[str, Any]) -> None:
    assert seen["axis"] == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("request checks", "warmth is 'hot', not a number"),
        ("nearest", "warmth is what it is called here"),
        ("range", "warmth 3.0 is out of range. Use a value from 0 to 2."),
        ("toml range", "a.toml:3:1: "),
        ("toml hint", "unknown key warmht; the nearest is warmth"),
        ("help", "--warmth"),
        ("help", "How warm the picture is (0 to 2)."),
        ("docs", "| `warmth` | How warm the picture is. | 0 to 2 | 1 | `--warmth` | `warmth` | Warmth |"),
    ],
)
def test_a_row_is_told_of(seen: dict[str, Any], place: str, said: str) -> None:
    assert said in str(seen[place])


def test_a_row_is_a_control_of_the_page_in_two_languages(seen: dict[str, Any]) -> None:
    assert "warmth" in seen["page"]
    assert seen["labels"] == [["warmth", "Warmth", "暖度"]]


def test_infotext_has_a_row_where_it_says_something(seen: dict[str, Any]) -> None:
    assert (seen["infotext"], seen["infotext of the default"]) == (True, False)


def test_a_record_of_before_means_the_default(seen: dict[str, Any]) -> None:
    assert seen["old record"] == 1.0


def test_a_digest_has_what_decides_pixels_and_only_that(seen: dict[str, Any]) -> None:
    assert seen["digest"] == [True, True]


def test_the_digests_of_before_hold(seen: dict[str, Any]) -> None:
    from lora_mixer import RenderRequest
    from lora_mixer.ledger.digest import job_digest
    from lora_mixer.mixer.completing import settings_of

    asked = RenderRequest("cat", seed=1)
    settings = settings_of(asked, model="emoji", native_size=(128, 128), emphasis="original")
    assert seen["old digest"] == job_digest(settings, {})


def test_type_checkers_are_told_of_a_row(seen: dict[str, Any]) -> None:
    assert seen["stub"] == 3  # asked, filled, and as a keyword


@pytest.mark.parametrize(
    ("place", "where"),
    [("unfit in a file", "a.toml:4:1: depth: "), ("unfit option", "--depth: "), ("unfit request", "depth: ")],
)
def test_a_row_that_a_family_does_not_know_is_refused_where_it_is_set(
    seen: dict[str, Any], place: str, where: str
) -> None:
    said = "depth does nothing for models of the embedded emoji model. Leave it out, or use a model of SDXL."
    assert seen[place] == where + said


def test_what_a_family_knows_or_says_anyway_is_taken_and_a_default_is_for_models_it_fits(seen: dict[str, Any]) -> None:
    assert seen["fits"] == [None, None]
    assert seen["unfit default"] == [None, 0.5]


def test_the_page_shows_which_controls_do_nothing_for_a_model(seen: dict[str, Any]) -> None:
    assert seen["unfit on the page"] == [["depth"], []]
