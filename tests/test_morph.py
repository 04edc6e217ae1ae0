"""Between mixes: a corner is its mix, weights add up, and a mean of mixes is the mean of what they change."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from lora_mixer import LoraUse, Mix, RenderRequest, Strength
from lora_mixer.errors import ConfigError, RequestError
from lora_mixer.images.animation import save_animation
from lora_mixer.mixes import Curve
from lora_mixer.morph import label, pad, path, weighted
from lora_mixer.promptfile.reading import read_prompt_text
from lora_mixer.promptfile.sweep import morph_file
from lora_mixer_app.cli.program import build

NAMES = st.sampled_from(["ink", "sepia", "hat"])
STRENGTHS = st.builds(
    Strength,
    st.floats(-2, 2).map(lambda s: round(s, 2)),
    text=st.one_of(st.none(), st.floats(0, 1).map(lambda s: round(s, 2))),
    curve=st.sampled_from([None, Curve(points=((0.0, 1.0), (1.0, 0.0)))]),
)
MIXES = st.lists(st.builds(LoraUse, NAMES, STRENGTHS), max_size=3).map(lambda uses: Mix(tuple(uses)))


def total(mix: Mix, name: str, part: str, curved: bool) -> float:
    uses = [use for use in mix.uses if use.name == name and (use.strength.curve is not None) == curved]
    return sum(use.strength.of(part) for use in uses)


@given(mixes=st.lists(MIXES, min_size=2, max_size=4), x=st.floats(0, 1), y=st.floats(0, 1))
def test_a_mean_of_mixes_is_the_mean_of_what_they_change(mixes: list[Mix], x: float, y: float) -> None:
    weights = pad(len(mixes), x, y)
    assert sum(weights) == pytest.approx(1)
    between = weighted(mixes, weights)
    for name in ("ink", "sepia", "hat"):
        for part in ("denoiser", "te1", "te2"):
            for curved in (False, True):
                wanted = sum(w * total(mix, name, part, curved) for mix, w in zip(mixes, weights, strict=True))
                assert total(between, name, part, curved) == pytest.approx(wanted, abs=1e-9)


@given(mixes=st.lists(MIXES, min_size=2, max_size=4), corner=st.integers(0, 3))
def test_a_corner_is_its_mix(mixes: list[Mix], corner: int) -> None:
    at = [(0, 0), (1, 0), (0, 1), (1, 1)][corner % len(mixes)]
    chosen = weighted(mixes, pad(len(mixes), *at))
    assert label(weighted([chosen], [1])) == label(weighted([mixes[corner % len(mixes)]], [1]))


@given(mixes=st.integers(2, 5), more=st.integers(0, 20), loop=st.booleans())
def test_a_path_visits_every_mix_in_even_steps(mixes: int, more: int, loop: bool) -> None:
    found = path(mixes, mixes + more, loop=loop)
    assert len(found) == mixes + more
    assert all(sum(weights) == pytest.approx(1) for weights in found)
    assert found[0][0] == 1
    assert loop or found[-1][-1] == pytest.approx(1)


def test_what_has_no_way_between_is_refused() -> None:
    ink, sepia = Mix({"ink": 1.0}), Mix({"sepia": 1.0}, "ties")  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="blended by sum and by ties"):
        weighted([ink, sepia], [0.5, 0.5])
    assert weighted([ink, sepia], [0, 1]).method == "ties"
    with pytest.raises(RequestError, match="do not go together"):
        weighted([ink], [0.5, 0.5])
    with pytest.raises(RequestError, match="no point"):
        pad(5, 0, 0)
    with pytest.raises(RequestError, match="no path"):
        path(3, 2)


def test_an_axis_goes_from_mix_to_mix_and_leaves_other_loras() -> None:
    text = """
    [axes]
    columns = { morph = [{ ink = 1 }, [{ name = "sepia", strength = 0.5 }]], places = 3 }
    [[jobs]]
    prompt = "cat <lora:ink:0.3>"
    loras = { hat = 0.4, sepia = 1 }
    """
    plan = read_prompt_text(text, Path("x.toml"), strict=True)
    assert plan.sheet.columns == ("ink 1", "ink 0.5, sepia 0.25", "sepia 0.5")
    mixes = [{use.name: use.strength.denoiser for use in job.request.loras} for job in plan.jobs]
    assert mixes == [{"hat": 0.4, "ink": 1}, {"hat": 0.4, "ink": 0.5, "sepia": 0.25}, {"hat": 0.4, "sepia": 0.5}]
    assert {job.request.prompt.strip() for job in plan.jobs} == {"cat"}
    with pytest.raises(ConfigError, match="exactly one"):
        read_prompt_text(text.replace("places = 3", "places = 3, seeds = [1]"), Path("x.toml"), strict=True)


@pytest.mark.parametrize(
    ("prompt", "left"),
    [
        ("pets <lora:ink:0.3> <region:0,0,0.5,1> cat <lora:ink:0.6>", "pets  <region:0,0,0.5,1> cat <lora:ink:0.6>"),
        ("pets <lora:ink:0.3> ADDCOMM cat <lora:ink:0.6> ADDCOL dog", "pets  ADDCOMM cat <lora:ink:0.6> ADDCOL dog"),
        ("cat <lora:ink:0.6> ADDCOL dog <lora:sepia:1>", "cat <lora:ink:0.6> ADDCOL dog <lora:sepia:1>"),
    ],
)
def test_an_axis_leaves_a_region_its_own_loras_in_prompts_as_in_tables(prompt: str, left: str) -> None:
    text = f"""
    [axes]
    columns = {{ morph = [{{ ink = 1 }}, {{ sepia = 1 }}], places = 2 }}
    [[jobs]]
    prompt = "{prompt}"
    hires = {{ scale = 2, prompt = "{prompt}", negative = "grey <lora:sepia:0.2>" }}
    negative = "blurry <lora:ink:0.2>"
    [[jobs]]
    prompt = "pets <lora:ink:0.3>"
    regions = [{{ prompt = "cat <lora:ink:0.6>", mask = [0, 0, 0.5, 1], loras = {{ ink = 0.8 }} }}]
    """
    jobs = read_prompt_text(text, Path("x.toml"), strict=True).jobs
    assert [[use.name for use in job.request.loras] for job in jobs] == [["ink"], ["sepia"]] * 2
    written, tabled = jobs[0].request, jobs[2].request
    assert (written.prompt, written.negative) == (left, "blurry ")
    assert written.hires is not None
    assert (written.hires.prompt, written.hires.negative) == (left, "grey ")
    assert tabled.prompt == "pets "
    assert (tabled.regions[0].prompt, tabled.regions[0].loras) == ("cat <lora:ink:0.6>", (LoraUse("ink", 0.8),))


@pytest.mark.parametrize(
    ("prompt", "negative", "left"),
    [
        ("cat ADDCOL dog", "grey <lora:ink:0.2> BREAK blurry <lora:ink:0.3>", None),
        ("pets ADDBASE cat ADDCOL dog", "<lora:ink:1> BREAK <lora:ink:2> BREAK x", " BREAK <lora:ink:2> BREAK x"),
        ("cat ADDCOL dog", "a <lora:ink:1> ADDCOMM b BREAK c <lora:ink:2>", "a  ADDCOMM b BREAK c <lora:ink:2>"),
        ("cat ADDCOL dog", "blurry <lora:ink:0.2>", "blurry "),
    ],
)
def test_an_axis_leaves_a_region_the_loras_of_its_negative_prompt(prompt: str, negative: str, left: str | None) -> None:
    text = f"""
    [axes]
    columns = {{ morph = [{{ ink = 1 }}, {{ sepia = 1 }}], places = 2 }}
    [[jobs]]
    prompt = "{prompt}"
    negative = "{negative}"
    hires = {{ scale = 2, negative = "{negative}" }}
    """
    request = read_prompt_text(text, Path("x.toml"), strict=True).jobs[0].request
    assert request.hires is not None
    assert request.negative == request.hires.negative == (negative if left is None else left)


def test_a_written_way_is_read_back() -> None:
    curve = Curve(points=((0.0, 1.0), (1.0, 0.5)))
    mixes = [Mix((LoraUse("ink", Strength(1.0, text=0.2, curve=curve)),), "dare"), Mix({"sepia": 0.5}, "dare")]  # type: ignore[arg-type]
    plan = read_prompt_text(morph_file('a "cat"', mixes, 3, loop=True, seed=7), Path("x.toml"), strict=True)
    first: RenderRequest = plan.jobs[0].request
    assert (first.loras, first.method, first.seed) == (mixes[0].uses, "dare", 7)
    assert len(plan.jobs) == 3


@pytest.mark.parametrize("ending", [".gif", ".webp"])
def test_a_loop_has_every_picture(tmp_path: Path, ending: str) -> None:
    pictures = [Image.new("RGB", (33, 32), (40 * k, 0, 200)) for k in range(4)]
    target = tmp_path / f"loop{ending}"
    save_animation(pictures, target, fps=4, bounce=True)
    with Image.open(target) as film:
        assert film.n_frames == 6
        assert film.info["loop"] == 0


class Film:
    """Stands for PyAV, which is 40 MB: a container that keeps what is encoded into it."""

    def __init__(self) -> None:
        self.frames: list[Any] = []
        self.said: dict[str, Any] = {}
        self.VideoFrame = self

    def open(self, out: Any, *, mode: str, format: str) -> Any:
        assert (mode, format) == ("w", "mp4")
        out.write(b"film")
        return nullcontext(self)

    def add_stream(self, codec: str, **said: Any) -> Film:
        self.said = {"codec": codec, **said}
        return self

    def from_ndarray(self, pixels: Any, *, format: str) -> Any:
        assert format == "rgb24"
        return pixels

    def encode(self, frame: Any) -> Any:
        self.frames.append(frame)
        return frame

    def mux(self, _packet: Any) -> None:
        pass


def test_an_mp4_has_every_picture_with_even_sides_and_is_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = Film()
    monkeypatch.setitem(sys.modules, "av", film)  # type: ignore[arg-type]
    pictures = [Image.new("RGB", (33, 32), (40 * k, 0, 200)) for k in range(4)]
    save_animation(pictures, tmp_path / "loop.mp4", fps=2.5)
    *frames, last = film.frames
    assert [frame.shape for frame in frames] == [(32, 32, 3)] * 4
    assert [int(frame[0, 0, 0]) for frame in frames] == [0, 40, 80, 120]
    assert last is None  # what the encoder holds back is asked for
    assert (film.said["codec"], film.said["rate"], film.said["pix_fmt"]) == ("libx264", Fraction(5, 2), "yuv420p")
    assert (tmp_path / "loop.mp4").read_bytes() == b"film"


def test_a_film_that_cannot_be_written_is_refused_before_a_picture_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)  # type: ignore[arg-type]
    for name, said in (("x.mp4", "pip install av"), ("x.avi", r"Use \.gif")):
        command = ["morph", "cat", "--through", "line_art=1", "--through", "sepia=1", "--film", name]
        with pytest.raises(RequestError, match=said):
            CliRunner().invoke(build("morph"), [*command, "-o", str(tmp_path / "run")], catch_exceptions=False)
    assert not (tmp_path / "run").exists()


def test_without_pyav_an_mp4_is_refused_with_what_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)  # type: ignore[arg-type]
    with pytest.raises(RequestError, match=r"pip install av.*\.webp"):
        save_animation([Image.new("RGB", (8, 8))], tmp_path / "x.mp4")
    assert not (tmp_path / "x.mp4").exists()
    with pytest.raises(RequestError, match="no animation"):
        save_animation([], tmp_path / "x.gif")
