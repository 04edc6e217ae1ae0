"""models.toml: what it gives, where it is looked for, and that a mistake is told by line, key and expectation."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_mixer.catalog import load_models_file
from lora_mixer.catalog.read_models import MAX_BYTES, read_models_text
from lora_mixer.errors import ConfigError, MissingFileError, ModelError
from lora_mixer.request import ModelSource, RenderRequest

PACKAGED = Path(__file__).parents[2] / "models.toml"
EMOJI = Path(__file__).parents[2] / "lora_mixer" / "data" / "emoji"

EXAMPLE = """
default = "sd15"
output = "pictures"

[folders]
loras = ["my loras", "/mnt/loras"]
embeddings = []

[defaults]
steps = 30
cfg = 7
sampler = "Euler a"

[models.sd15]
location = "models/v1-5.safetensors"
family = "sd1"
dtype = "float16"

[models.sd15.defaults]
width = 512
height = 512
steps = 25

[models.hub]
location = "stabilityai/sdxl"

[models.folder]
location = "dreamshaper/8"
"""


def read(text: str, base: Path = Path("/base")):
    return read_models_text(text, Path("models.toml"), base=base)


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return caught.value


def test_the_file_that_comes_with_the_program_names_the_embedded_model():
    models = load_models_file(PACKAGED)
    assert models.default == "emoji"
    assert models.model() == ModelSource(name="emoji", location=str(EMOJI / "model"), dtype="float32")
    assert EMOJI / "loras" in models.lora_folders
    assert EMOJI / "embeddings" in models.embedding_folders
    wanted = models.defaults_for("emoji")
    assert (wanted.steps, wanted.cfg, wanted.sampler) == (20, 3.5, "DPM++ 2M")
    assert wanted.negative == "badpic"
    assert (wanted.width, wanted.height, wanted.prompt) == (None, None, "")


def test_the_examples_in_the_file_that_comes_with_the_program_are_valid():
    lines = PACKAGED.read_text(encoding="utf-8").splitlines()
    start = lines.index("# Stable Diffusion 1.5 as one file:")
    examples = [line.removeprefix("# ") for line in lines[start:] if " = " in line or line.startswith("# [")]
    models = read("\n".join(lines[:start] + examples))
    assert list(models.models) == ["emoji", "sd15", "sdxl", "dreamshaper", "sdxl-hub"]
    assert models.model("sd15").location == "/base/models/v1-5-pruned-emaonly.safetensors"
    assert models.model("sdxl-hub").location == "stabilityai/stable-diffusion-xl-base-1.0"


def test_paths_are_relative_to_the_file_and_hub_ids_are_left_alone(tmp_path):
    (tmp_path / "dreamshaper" / "8").mkdir(parents=True)
    models = read(EXAMPLE, tmp_path)
    assert models.model().location == str(tmp_path / "models/v1-5.safetensors")
    assert models.model("hub").location == "stabilityai/sdxl"
    assert models.model("folder").location == str(tmp_path / "dreamshaper/8")
    assert models.lora_folders == (tmp_path / "my loras", Path("/mnt/loras"))
    assert models.embedding_folders == ()
    assert models.output == tmp_path / "pictures"


def test_a_models_own_defaults_win_over_the_general_ones():
    models = read(EXAMPLE)
    assert models.defaults_for("sd15") == RenderRequest(
        prompt="", steps=25, cfg=7.0, sampler="Euler a", width=512, height=512
    )
    assert models.defaults_for(None) == models.defaults_for("sd15")
    assert models.defaults_for("hub").steps == models.defaults_for("/any/path.safetensors").steps == 30


def test_a_file_without_models_keeps_the_embedded_one_and_one_without_folders_keeps_its_loras():
    models = read("[defaults]\nsteps = 3\n")
    assert models.default == "emoji"
    assert models.model().location == str(EMOJI / "model")
    assert models.defaults_for("emoji").cfg == 3.5
    assert EMOJI / "loras" in models.lora_folders
    assert read("").model().location == str(EMOJI / "model")


def test_without_a_default_the_first_model_is_it():
    assert read('[models.b]\nlocation="b"\n[models.a]\nlocation="a"\n').default == "b"


def test_the_named_file_wins_then_the_variable_then_the_working_folder_then_the_packaged(tmp_path, monkeypatch):
    for name in ("named", "variable", "models"):
        (tmp_path / f"{name}.toml").write_text(f'[models.{name}]\nlocation="x.safetensors"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LORA_MIXER_MODELS", str(tmp_path / "variable.toml"))
    assert load_models_file(tmp_path / "named.toml").default == "named"
    assert load_models_file().default == "variable"
    monkeypatch.delenv("LORA_MIXER_MODELS")
    assert load_models_file().default == "models"
    (tmp_path / "models.toml").unlink()
    packaged = load_models_file()
    assert packaged.default == "emoji"
    assert packaged.output == tmp_path / "out"


def test_a_named_file_that_is_not_there_is_an_error_not_a_fallback(tmp_path, monkeypatch):
    monkeypatch.setenv("LORA_MIXER_MODELS", str(tmp_path / "nothing.toml"))
    with pytest.raises(MissingFileError, match="LORA_MIXER_MODELS"):
        load_models_file()
    for name in (tmp_path, "a\0b"):
        with pytest.raises(MissingFileError):
            load_models_file(name)


def test_a_model_may_be_a_path_a_folder_a_hub_id_or_built_in(tmp_path):
    models = read(EXAMPLE)
    path = tmp_path / "x.safetensors"
    path.touch()
    (tmp_path / "v1.5").mkdir()
    assert models.model(path) == ModelSource(name="x", location=str(path))
    assert models.model(tmp_path / "v1.5") == ModelSource(name="v1.5", location=str(tmp_path / "v1.5"))
    assert models.model("owner/some-model.v1") == ModelSource(
        name="owner/some-model.v1", location="owner/some-model.v1"
    )
    assert models.model("builtin:emoji") == ModelSource(name="emoji", location=str(EMOJI / "model"))


@pytest.mark.parametrize(
    "name", ["sd16", "models/x.safetensors", "a/b/c", "", "\0", "~nobody-here/x", "x" * 9000, "builtin:x"]
)
def test_an_unknown_model_is_a_model_error(name, monkeypatch, tmp_path):
    models = read(EXAMPLE)
    monkeypatch.chdir(tmp_path)
    if name:
        with pytest.raises(ModelError):
            models.model(name)


def test_the_nearest_model_is_named():
    with pytest.raises(ModelError, match="Did you mean sd15"):
        read(EXAMPLE).model("sd-15")


MISTAKES = {
    "a mistyped key": ("\n[models.a]\nlocaton = 'x'\n", 3, "models.a.locaton", "location"),
    "a mistyped setting": ("[defaults]\n\nstpes = 3\n", 3, "defaults.stpes", "steps"),
    "a setting of a model": ("[models.a]\nlocation='x'\n[models.a.defaults]\nx=1\nsteps = 0\n", 4, "models.a.defaults.x", "Known: negative"),
    "a wrong type": ("[defaults]\nsteps = '20'\n", 2, "defaults.steps", "whole number from 1 to 1000"),
    "a float for a whole number": ("[defaults]\nsteps = 20.5\n", 2, "defaults.steps", "whole number"),
    "true for a number": ("[defaults]\ncfg = true\n", 2, "defaults.cfg", "number from 0 to 100"),
    "NaN": ("[defaults]\ncfg = nan\n", 2, "defaults.cfg", "number from 0 to 100"),
    "infinity": ("[defaults]\ncfg = inf\n", 2, "defaults.cfg", "number from 0 to 100"),
    "a width that is no multiple of 8": ("[defaults]\nheight = 512\nwidth = 500", 3, "defaults.width", "multiple of 8"),
    "a missing location": ("# x\n[models.a]\nfamily = 'sd1'\n", 2, "models.a.location", ".safetensors file"),
    "an unknown family": ("[models.a]\nlocation='x'\nfamily = 'sd3'\n", 3, "models.a.family", "sd1, sd2, sdxl"),
    "an unknown dtype": ("[models.a]\nlocation='x'\ndtype = 'half'\n", 3, "models.a.dtype", "float16"),
    "a default that is not there": ("default = 'b'\n[models.bb]\nlocation='x'\n", 1, "default", "bb"),
    "text for a list": ("[folders]\nloras = 'x'\n", 2, "folders.loras", "list of folders"),
    "a number in a list": ("[folders]\nloras = [\n 'x',\n 3]\n", 2, "folders.loras.1", "list of folders"),
    "text for a table": ("models = 'x'\n", 1, "models", "[models.NAME]"),
    "an inline table": ("[models]\nb = { location = 'y' }\na = { location = 3 }\n", 3, "models.a.location", ".safetensors file"),
    "a dotted key": ("models.a.location = 'x'\nmodels.a.defaults.steps = -1\n", 2, "models.a.defaults.steps", "whole number"),
    "a quoted key": ("[models.\"a\"]\n'location' = 'x'\n\"fam\\u0069ly\" = 1\n", 3, "models.a.family", "sdxl"),
    "a key with a long escape": ('[models.a]\nlocation = "x"\n"fam\\U00000069ly" = 1\n', 3, "models.a.family", "sdxl"),
    "a key below a long string": ("[defaults]\nnegative = '''\n[x]\nsteps = 0\n'''\nsteps = 0\n", 6, "defaults.steps", "whole number"),
    "a key below a list with comments": ("[folders]\nloras = [ # ]\n'[',\n]\nwildcards = 3\n", 5, "folders.wildcards", "list of folders"),
    "a bad model name": ("[models.'a b']\nlocation = 'x'\n", 1, "models.a b", "letters, digits"),
    "a model name with markup": ("[models.'<img>']\nlocation = 'x'\n", 1, "models.<img>", "letters, digits"),
    "an empty location": ("[models.a]\nlocation = ''\n", 2, "models.a.location", "hub id"),
    "a location with NUL": ('[models.a]\nlocation = "a\\u0000"\n', 2, "models.a.location", "hub id"),
    "a built-in that is not there": ("[models.a]\nlocation = 'builtin:sdxl'\n", 2, "models.a.location", "builtin:emoji"),
    "a built-in that climbs out": ("[models.a]\nlocation = 'builtin:emoji/../..'\n", 2, "models.a.location", "builtin:emoji"),
    "a name too long for a file": ("[folders]\nloras = ['builtin:emoj" + "\ufffd" * 90 + "']\n", 2, "folders.loras.0", "too long"),
    "a home that is not there": ("output = '~nobody-here/x'\n", 1, "output", "home folder"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_told_by_line_key_and_expectation(case):
    text, line, key, expected = MISTAKES[case]
    error = refused(text)
    assert error.where == f"models.toml, line {line}, key {key}"
    assert expected in str(error)


SYNTAX = {
    "no value": ("a = 1\nb =\n", "line 2, column 4"),
    "a key twice": ("[a]\n[a]\n", "line 2"),
    "an open string": ("a = '", "end of document"),
    "too deep": ("a = " + "[" * 20_000, "nested too deeply"),
    "too many digits": ("a = " + "9" * 5000, "4300 digits"),
    "no such day": ("a = 2026-02-31\n", "line 1, column 5"),
    "a key of many parts": ("b = 1\n" + "a." * 300_000 + "a = 1\n", "line 2, column 1: a key of more than 16 parts"),
    "a NUL": ("a\0 = 1\n", "line 1"),
}


@pytest.mark.parametrize("case", SYNTAX)
def test_what_is_not_toml_is_told_with_its_place(case):
    text, said = SYNTAX[case]
    assert said in str(refused(text))


def test_a_file_that_is_not_text_or_too_long_is_refused(tmp_path):
    path = tmp_path / "models.toml"
    path.write_bytes(b"a = 1\nb = '\xff'\n")
    with pytest.raises(ConfigError, match="line 2: the file is not UTF-8"):
        load_models_file(path)
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="1 MiB"):
        load_models_file(path)


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path):
    path = tmp_path / "models.toml"
    path.write_bytes(b"\xef\xbb\xbf[defaults]\r\nsteps = 9\r\n")
    assert load_models_file(path).defaults.steps == 9
    path.write_bytes(b"[defaults]\r\nsteps = 0\r\n")
    with pytest.raises(ConfigError, match="line 2"):
        load_models_file(path)


def test_a_relative_models_file_gives_absolute_paths(tmp_path, monkeypatch):
    (tmp_path / "models.toml").write_text("[folders]\nloras = ['x']\n")
    monkeypatch.chdir(tmp_path)
    assert load_models_file("models.toml").lora_folders == (tmp_path / "x",)
    assert load_models_file().output.is_absolute()


VALUES = st.sampled_from(["1", "'x'", '"""\nx\n"""', "[1,\n2]", "{a = 1}", "nan", "true", "[]", "2020-01-01"])
KEYS = st.sampled_from(
    ["default", "models", "models.a", "defaults", "steps", "location", '"b c"', "'x'", "folders.loras"]
)
LINES = st.one_of(
    st.tuples(KEYS, VALUES).map(lambda pair: f"{pair[0]} = {pair[1]}"),
    KEYS.map(lambda key: f"[{key}]"),
    KEYS.map(lambda key: f"[[{key}]]"),
    st.sampled_from(["", "# comment ' [", "  "]),
)


@given(st.one_of(st.text(), st.lists(LINES, max_size=8).map("\n".join)))
def test_no_text_crashes_the_reader(text):
    with contextlib.suppress(ConfigError):
        read(text)
