"""The library: every adapter found by every name it has, nothing read twice, nothing reached outside the folders."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lora_mixer.catalog import Library, LoraEntry, facts
from lora_mixer.catalog import library as library_module
from lora_mixer.errors import BrokenFileError, MissingFileError, UnknownAdapterError
from lora_mixer.files import EMPTY_SHA256, digest_file

EMBEDDED = Path(__file__).parents[2] / "lora_mixer" / "data" / "emoji"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files whose headers are read, as they are read."""
    paths: list[Path] = []
    original = facts.open_tensor_file

    def counted(path: Path):
        paths.append(path)
        return original(path)

    monkeypatch.setattr(facts, "open_tensor_file", counted)
    return paths


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that are hashed, as they are hashed."""
    paths: list[Path] = []
    original = facts.digest_file

    def counted(path: Path):
        paths.append(path)
        return original(path)

    monkeypatch.setattr(facts, "digest_file", counted)
    return paths


def names(library: Library) -> list[str]:
    return [entry.name for entry in library.entries]


def test_the_embedded_adapters_are_all_there(tmp_path):
    library = Library([EMBEDDED / "loras"], cache=tmp_path / "c")
    assert names(library) == sorted(path.stem for path in (EMBEDDED / "loras").glob("*.safetensors"))
    assert not library.broken
    assert not library.clashes
    hat = library.find("top_hat")
    assert hat.trained_words[0] == "wearing a top hat"
    assert hat.digests == digest_file(hat.path)
    assert hat.metadata["ss_output_name"] == "top_hat"


def test_an_adapter_is_found_by_stem_folder_alias_and_path(save_lora, open_library, tmp_path):
    path = save_lora("style/flat.safetensors", {"ss_output_name": "Flat Style v2"})
    library = open_library()
    (entry,) = library.entries
    spellings = ("flat", "style/flat", "style\\flat", "loras/style/flat", "flat.safetensors", "style/flat.safetensors")
    for name in (*spellings, "Flat Style v2", str(path), path):
        assert library.find(name) == entry
    assert (entry.name, entry.alias, entry.path) == ("flat", "Flat Style v2", path)


def test_an_adapter_is_found_by_every_digest_of_its_content(save_lora, open_library):
    path = save_lora("a.safetensors", value=1.0)
    save_lora("b.safetensors", value=2.0)
    digests = digest_file(path)
    for digest in (digests.sha256, digests.autov2, digests.autov3, digests.autov2.upper()):
        assert digest is not None
        assert open_library().find(digest).path == path


def test_an_adapter_is_found_by_its_old_digest(open_library, tmp_path):
    size = 0x120000
    header = b'{"a.alpha":{"dtype":"F32","shape":[%d],"data_offsets":[0,%d]}}' % (size // 4, size)
    path = tmp_path / "loras" / "big.safetensors"
    path.parent.mkdir()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(size))
    legacy = digest_file(path).legacy
    assert legacy is not None
    assert open_library().find(legacy).name == "big"


def test_a_digest_in_the_metadata_is_never_believed(save_lora, open_library):
    lie = "ab" * 32
    save_lora("liar.safetensors", {"sshs_model_hash": lie, "modelspec.hash_sha256": f"0x{lie}"})
    library = open_library()
    assert library.entries[0].claimed_digests == (lie, lie)
    for digest in (lie, lie[:12], lie[:10], lie[:8]):
        with pytest.raises(UnknownAdapterError):
            library.find(digest)


def test_a_file_whose_metadata_claim_the_digest_is_hashed_first(save_lora, open_library, hashed):
    for number in range(5):
        save_lora(f"{number}.safetensors", value=number)
    wanted = save_lora("wanted.safetensors", value=99.0)
    claim = digest_file(wanted).autov3
    save_lora("wanted.safetensors", {"sshs_model_hash": f"{claim}{'0' * 52}"}, value=99.0)
    assert open_library().find(claim).path == wanted
    assert hashed == [wanted]


def test_the_digest_of_nothing_finds_nothing(open_library, tmp_path):
    path = tmp_path / "loras" / "no tensors.safetensors"
    path.parent.mkdir()
    path.write_bytes(struct.pack("<Q", 2) + b"{}")
    library = open_library()
    for length in (8, 10, 12, 64):
        with pytest.raises(UnknownAdapterError):
            library.find(EMPTY_SHA256[:length])


def test_a_search_for_a_digest_is_bounded_and_the_next_one_goes_on(save_lora, open_library, hashed, monkeypatch):
    for number in range(6):
        save_lora(f"{number}.safetensors", value=number)
    library = open_library()
    monkeypatch.setattr(library_module, "HASH_BUDGET", 2 * library.entries[0].size)
    with pytest.raises(UnknownAdapterError, match="4 of them not hashed yet"):
        library.find("0" * 10)
    with pytest.raises(UnknownAdapterError, match="2 of them not hashed yet"):
        library.find("0" * 10)
    with pytest.raises(UnknownAdapterError, match=r"among 6\."):
        library.find("0" * 10)
    assert len(hashed) == len(set(hashed)) == 6


def test_a_name_that_looks_like_a_digest_is_a_name_first(save_lora, open_library, hashed):
    path = save_lora("deadbeef.safetensors")
    assert open_library().find("deadbeef").path == path
    assert not hashed


def test_equal_stems_clash_and_each_has_a_longer_name(save_lora, open_library):
    save_lora("flat.safetensors", value=1)
    save_lora("style/flat.safetensors", value=2)
    save_lora("style/x.safetensors")
    save_lora("style/x.pt")
    library = open_library()
    assert names(library) == ["loras/flat", "style/flat", "x.pt", "x.safetensors"]
    assert set(library.clashes) == {"flat", "x"}
    with pytest.raises(UnknownAdapterError, match="Say which: loras/flat, style/flat"):
        library.find("flat")


def test_equal_names_in_two_folders_are_told_apart(save_lora, open_library):
    save_lora("flat.safetensors", root="one")
    save_lora("flat.safetensors", root="two")
    save_lora("flat.safetensors", root="deep/one")
    library = open_library("one", "two", "deep/one")
    assert len(names(library)) == 3
    assert names(library)[2] == "two/flat"
    for entry in library.entries:
        assert library.find(entry.name) == entry


def test_folders_within_folders_list_each_file_once(save_lora, open_library):
    save_lora("a/b/x.safetensors")
    assert len(open_library("loras", "loras/a", "loras").entries) == 1


def test_an_alias_of_two_files_means_neither_and_never_hides_a_file_name(save_lora, open_library):
    save_lora("one.safetensors", {"ss_output_name": "last"})
    save_lora("two.safetensors", {"ss_output_name": "last"})
    save_lora("three.safetensors", {"ss_output_name": "one"})
    library = open_library()
    with pytest.raises(UnknownAdapterError, match="Say which: one, two"):
        library.find("last")
    assert library.find("one").path.name == "one.safetensors"


def test_a_miss_names_the_nearest(save_lora, open_library):
    save_lora("pixel_art.safetensors", {"ss_output_name": "Eight Bit"})
    library = open_library()
    with pytest.raises(UnknownAdapterError, match="Did you mean pixel_art"):
        library.find("Pixel-Art")
    with pytest.raises(UnknownAdapterError, match="Did you mean Eight Bit"):
        library.find("eightbit")
    with pytest.raises(UnknownAdapterError, match=r"models\.toml"):
        library.find("zzzzzz" * 1000)


def test_new_changed_and_vanished_files_are_noticed_when_asked_for(save_lora, open_library, opened):
    path = save_lora("a.safetensors", {"ss_output_name": "old"})
    library = open_library()
    save_lora("b.safetensors")
    assert library.find("b").name == "b"
    save_lora("a.safetensors", {"ss_output_name": "brand new"})
    assert library.find("a").alias == "brand new"
    assert library.find("brand new").path == path
    path.unlink()
    with pytest.raises(UnknownAdapterError):
        library.find("a")
    assert names(library) == ["b"]
    assert len(opened) == 3


def test_a_changed_file_is_hashed_anew(save_lora, open_library):
    path = save_lora("a.safetensors", value=1.0)
    before = open_library().find("a").digests
    save_lora("a.safetensors", value=2.0)
    os.utime(path, ns=(7, 7))
    after = open_library().find("a").digests
    assert after.autov3 != before.autov3
    assert after == digest_file(path)


def test_a_second_start_over_5000_files_opens_none(save_lora, open_library, opened):
    for number in range(5000):
        save_lora(f"{number % 50}/lora {number}.safetensors")
    assert len(open_library().entries) == len(opened) == 5000
    opened.clear()
    library = open_library()
    assert len(library.entries) == 5000
    assert not opened
    save_lora("7/lora 7.safetensors", {"ss_output_name": "changed"})
    library.refresh()
    assert [path.name for path in opened] == ["lora 7.safetensors"]


def test_a_file_is_hashed_once_across_starts(save_lora, open_library, hashed):
    save_lora("a.safetensors")
    first = open_library().find("a").digests
    assert open_library().find("a").digests == first
    assert len(hashed) == 1


def test_what_is_remembered_of_files_that_are_gone_is_forgotten(save_lora, open_library, opened):
    path = save_lora("a.safetensors")
    content, stamp = path.read_bytes(), path.stat().st_mtime_ns
    open_library().find("a").digests.sha256.isalnum()
    path.unlink()
    open_library()
    path.write_bytes(content)
    os.utime(path, ns=(stamp, stamp))
    open_library()
    assert len(opened) == 2


def test_a_broken_file_is_listed_with_its_reason_and_is_not_fatal(save_lora, open_library, tmp_path, opened):
    save_lora("good.safetensors")
    (tmp_path / "loras" / "empty.safetensors").touch()
    (tmp_path / "loras" / "page.safetensors").write_bytes(b"<!doctype html>")
    (tmp_path / "loras" / "pickled.safetensors").write_bytes(b"\x80\x04}.        ")
    for _ in range(2):
        library = open_library()
        assert names(library) == ["good"]
        reasons = {broken.path.stem: broken.reason for broken in library.broken}
        assert "empty" in reasons["empty"]
        assert "web page" in reasons["page"]
        assert "run code" in reasons["pickled"]
    assert len(opened) == 4
    with pytest.raises(BrokenFileError, match="web page"):
        library.find("page")


def test_pickles_are_listed_but_not_opened(open_library, tmp_path, opened):
    for name in ("a.pt", "b.ckpt", "c.PT"):
        path = tmp_path / "loras" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\x80\x04}.")
    (tmp_path / "loras" / "readme.txt").touch()
    library = open_library()
    assert names(library) == ["a", "b", "c"]
    assert all(entry.needs_weights_only for entry in library.entries)
    assert library.entries[0].metadata == {}
    assert not opened


def test_links_out_of_the_folder_are_refused_and_links_within_are_files(save_lora, open_library, tmp_path):
    inside = save_lora("a.safetensors")
    outside = save_lora("secret.safetensors", root="elsewhere")
    root = tmp_path / "loras"
    (root / "out.safetensors").symlink_to(outside)
    (root / "folder").symlink_to(outside.parent)
    (root / "dangling.safetensors").symlink_to(root / "nothing")
    (root / "loop.safetensors").symlink_to(root / "loop.safetensors")
    (root / "within.safetensors").symlink_to(inside)
    (root / "up").symlink_to(root)
    library = open_library()
    assert names(library) == ["a", "within"]
    assert {broken.path.name for broken in library.broken} == {
        "out.safetensors", "folder", "dangling.safetensors", "loop.safetensors",
    }  # fmt: skip
    for name in ("out", "out.safetensors", "secret", "folder/secret", "dangling"):
        with pytest.raises((UnknownAdapterError, BrokenFileError)):
            library.find(name)


def test_a_folder_that_is_itself_a_link_is_followed(save_lora, open_library, tmp_path):
    save_lora("a.safetensors", root="real")
    (tmp_path / "loras").symlink_to(tmp_path / "real")
    assert open_library().find("a").path == tmp_path / "real" / "a.safetensors"


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "../outside.safetensors",
        "loras/../../outside",
        "./a",
        "/etc/passwd",
        "a\0",
        "",
        ".",
        "..",
        "a/",
        "*",
    ],
)
def test_a_name_never_reaches_out_of_the_folders(save_lora, open_library, name):
    save_lora("a.safetensors")
    save_lora("outside.safetensors", root=".")
    for paths in (True, False):
        with pytest.raises(UnknownAdapterError):
            open_library(paths=paths).find(name)


def test_a_path_is_taken_from_its_user_but_not_from_strangers(save_lora, open_library):
    save_lora("a.safetensors")
    elsewhere = save_lora("b.safetensors", {"ss_output_name": "bee"}, root="elsewhere")
    entry = open_library().find(elsewhere)
    assert (entry.path, entry.alias, entry.name) == (elsewhere, "bee", elsewhere.as_posix())
    assert open_library().find(str(elsewhere)).digests == digest_file(elsewhere)
    with pytest.raises(UnknownAdapterError):
        open_library(paths=False).find(str(elsewhere))


def test_a_broken_file_by_path_says_why(save_lora, open_library):
    path = save_lora("b.safetensors", root="elsewhere")
    path.write_bytes(b"")
    with pytest.raises(BrokenFileError, match="empty"):
        open_library().find(path)


def test_hidden_folders_and_folders_that_are_not_there_hold_nothing(save_lora, open_library):
    save_lora(".git/x.safetensors")
    library = open_library("loras", "nowhere")
    assert not library.entries
    assert not library.broken


def test_a_folder_that_cannot_be_read_is_listed_as_broken(save_lora, open_library):
    path = save_lora("a.safetensors")
    library = open_library("loras", "loras/a.safetensors", "x" * 300)
    assert names(library) == ["a"]
    assert [broken.path.name for broken in library.broken] == [path.name, "x" * 300]


def test_a_folder_named_like_an_adapter_is_walked_not_listed(save_lora, open_library):
    save_lora("odd.safetensors/x.safetensors")
    assert names(open_library()) == ["x"]


def test_names_that_cannot_be_said_are_listed_as_broken(save_lora, open_library, tmp_path):
    save_lora("a\nb.safetensors")
    (tmp_path / "loras" / os.fsdecode(b"\xff.safetensors")).touch()
    library = open_library()
    assert not library.entries
    assert len(library.broken) == 2


def test_sidecars_and_previews_beside_a_file_belong_to_it(save_lora, open_library, tmp_path):
    path = save_lora("a.b.safetensors")
    save_lora("a.safetensors")
    path.with_name("a.b.json").write_text('{"activation text": "hat", "preferred weight": 0.7, "sd version": "SD1"}')
    path.with_name("a.b.txt").write_text("a note")
    path.with_name("a.b.png").touch()
    path.with_name("a.b.preview.jpg").touch()
    (path.parent / "a.webp").symlink_to(tmp_path)
    library = open_library()
    entry = library.find("a.b")
    assert entry.preview == path.with_name("a.b.png")
    assert (entry.sidecar.activation_text, entry.sidecar.preferred_weight) == ("hat", 0.7)
    assert (entry.sidecar.base, entry.sidecar.description) == ("SD1", "a note")
    assert library.find("a").preview is None
    assert library.find("a").sidecar.description == ""


def test_a_file_that_vanishes_between_listing_and_reading_is_a_typed_error(save_lora, open_library):
    path = save_lora("a.safetensors")
    entry = open_library().find("a")
    path.unlink()
    with pytest.raises(MissingFileError):
        _ = entry.metadata
    with pytest.raises(MissingFileError):
        _ = entry.digests


PARTS = st.sampled_from(["a", "b", "loras", "x.y", "ä"])
FILES = st.lists(st.tuples(st.lists(PARTS, max_size=2), PARTS, st.sampled_from([".safetensors", ".pt"])), max_size=8)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=FILES)
def test_every_adapter_is_found_by_its_own_name_and_by_no_name_of_another(tmp_path_factory, files):
    base = tmp_path_factory.mktemp("names")
    for folders, stem, suffix in files:
        path = base.joinpath(*folders) / f"{stem}{suffix}.pt"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_dir():
            path.touch()
    library = Library([base, base / "a", base / "a" / "loras"], cache=base / "cache.sqlite", paths=False)
    assert len({entry.name for entry in library.entries}) == len(library.entries)
    for entry in library.entries:
        found = library.find(entry.name)
        assert isinstance(found, LoraEntry)
        assert found.path == entry.path
