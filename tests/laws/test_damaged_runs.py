"""Any damage to a run's folder between two commands leads to the pictures of an undisturbed run, or is told and destroys nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from lora_mixer.errors import CancelledError, LoraMixerError
from lora_mixer.ledger.ledger import Ledger
from lora_mixer.promptfile.reading import read_prompt_text
from lora_mixer.runs import work as module
from lora_mixer.runs.outputs import lay_out
from lora_mixer.runs.run import RunOptions, run
from tests.support.damage import DAMAGES, OF_FOLDERS
from tests.support.painters import Painters

OPTIONS = RunOptions(batch=2, threads=1)
SEEDED = "\n".join(f"p{n} --seed {n}" + (" --loras ink=0.5" if n % 3 == 1 else "") for n in range(6))
DRAWN = SEEDED.replace(" --seed 2", " --seed -1").replace(" --seed 4", " --seed -1")
FAILING = SEEDED.replace("ink=0.5", "nope=1", 1)
FILES = ("plan.json", "manifest.jsonl", "failed.jsonl", ".lock")
PICTURES = tuple(f"images/{number:04}.png" for number in range(6))
WHERE = st.floats(0, 0.999)
WOUNDS = st.tuples(st.sampled_from((*FILES, *PICTURES)), st.sampled_from(sorted(DAMAGES)), WHERE) | st.tuples(
    st.sampled_from(("images", "set-aside")), st.sampled_from(OF_FOLDERS), WHERE
)
Wound = tuple[str, str, float]
Pixels = dict[int, bytes]
Folders = dict[tuple[str, bool], tuple[Path, Pixels]]
KINDS = ((SEEDED, False), (SEEDED, True), (DRAWN, True), (FAILING, False), (FAILING, True))
"""Prompt files and whether the run came to its end; a seed that was drawn for a picture not made yet is in the plan alone."""

CHEAP = settings(suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.reuse, Phase.generate))


class Quiet(dict[tuple[str, bool], tuple[Path, Pixels]]):
    """Says nothing of its pixels where a test fails."""

    def __repr__(self) -> str:
        return "folders"


class Pressed:
    """Stops a run after so many pictures."""

    def __init__(self, executor: Painters, pictures: int) -> None:
        self.executor, self.pictures = executor, pictures

    def check(self) -> None:
        if len(self.executor.painted) >= self.pictures:
            raise CancelledError("cancelled")


@pytest.fixture(scope="module", autouse=True)
def no_sheets() -> Iterator[None]:
    """Draw no sheets: they cost ten times what a run of painters does, and follow from the ledger."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "lay_out", lambda ledger: ())
        yield


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """Folders by prompt file and whether their run came to its end, each with the pixels there should be in the end."""
    made: Folders = Quiet()
    for text in (SEEDED, DRAWN, FAILING):
        file = read_prompt_text(text, Path("prompts.txt"))
        half, executor = tmp_path_factory.mktemp("half"), Painters()
        with pytest.raises(CancelledError):
            run(file, half, executor, options=OPTIONS, cancel=Pressed(executor, 3))
        whole = Path(shutil.copytree(half, half.parent / f"{half.name}-whole"))
        run(file, whole, Painters(), options=OPTIONS)
        made[text, False], made[text, True] = (half, drawn(whole)), (whole, drawn(whole))
    return made


def drawn(folder: Path) -> Pixels:
    """The pixels of a run's pictures by number; each must lie there as it was entered."""
    ledger, pixels = Ledger.read(folder), {}
    for index in ledger.entries:
        assert ledger.is_whole(index)
        with Image.open(ledger.path(index)) as image:
            pixels[index] = image.tobytes()
    return pixels


def contents(folder: Path) -> set[str]:
    """The pictures of a folder, wherever they lie in it, by their bytes."""
    return {sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.png") if path.is_file()}


def check_law(folder: Path, text: str, expected: Pixels, wounds: list[Wound]) -> None:
    for name, how, where in wounds:
        path = folder / name
        if path.parent.is_dir() and (how in OF_FOLDERS or path.is_file()):
            DAMAGES[how](path, where)
    before = contents(folder)
    said: list[str] = []
    try:
        result = run(read_prompt_text(text, Path("prompts.txt")), folder, Painters(), options=OPTIONS, say=said.append)
    except LoraMixerError as error:
        assert error.remedy, error  # noqa: PT017 both ways are allowed
    else:
        assert (drawn(folder) == expected) is True, said
        assert len(expected) + len(result.failures) == 6
    assert before <= contents(folder)
    mine = list(folder.rglob("mine.txt"))
    assert len(mine) == sum(how == "a folder" and where > 0.5 for _, how, where in wounds) or len(wounds) > 1


@settings(CHEAP, max_examples=100)
@given(which=st.sampled_from(KINDS), wound=WOUNDS)
def test_damage_to_any_file_leads_to_the_same_pictures_or_is_told(
    which: tuple[str, bool], wound: Wound, folders: Folders
) -> None:
    folder, expected = folders[which]
    text, _ = which
    with TemporaryDirectory() as copy:
        check_law(Path(shutil.copytree(folder, Path(copy) / "out")), text, expected, [wound])


@settings(CHEAP, max_examples=50)
@given(text=st.sampled_from((SEEDED, FAILING)), ended=st.booleans(), wounds=st.lists(WOUNDS, min_size=2, max_size=4))
def test_damage_to_several_files_does_too_where_seeds_are_stated(
    text: str, ended: bool, wounds: list[Wound], folders: Folders
) -> None:
    folder, expected = folders[text, ended]
    with TemporaryDirectory() as copy:
        check_law(Path(shutil.copytree(folder, Path(copy) / "out")), text, expected, wounds)


@pytest.mark.parametrize("how", ["gone", "torn", "a folder", "a link", "a pipe"])
@pytest.mark.parametrize("name", ["grid.png", "index.html"])
def test_what_is_drawn_of_the_ledger_is_drawn_again(name: str, how: str, folders: Folders, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders[SEEDED, True][0], tmp_path / "out"))
    lay_out(Ledger.read(folder))
    good = (folder / name).read_bytes()
    DAMAGES[how](folder / name, 0.7)
    try:
        lay_out(Ledger.read(folder))
    except LoraMixerError as error:
        assert (how, bool(error.remedy)) == ("a folder", True)  # noqa: PT017
    else:
        assert (folder / name).read_bytes() == good
