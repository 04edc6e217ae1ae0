"""Digests: the field's four spellings, computed in one pass, never wrong after a change."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from lora_mixer.errors import MissingFileError
from lora_mixer.files import EMPTY_SHA256, Digests, digest_file, open_tensor_file

LORA = Path(__file__).parents[2] / "lora_mixer" / "data" / "emoji" / "loras" / "top_hat.safetensors"


def test_digests_are_the_ones_the_field_writes():
    content = LORA.read_bytes()
    digests = digest_file(LORA)
    data_start = open_tensor_file(LORA).data_start
    assert digests.sha256 == hashlib.sha256(content).hexdigest()
    assert digests.autov2 == digests.sha256[:10]
    assert digests.autov3 == hashlib.sha256(content[data_start:]).hexdigest()[:12]


def test_the_old_digest_is_of_64_kib_at_1_mib_and_absent_below(tmp_path):
    path = tmp_path / "a.bin"
    content = os.urandom(0x100000 + 0x20000)
    path.write_bytes(content)
    assert digest_file(path).legacy == hashlib.sha256(content[0x100000:0x110000]).hexdigest()[:8]
    path.write_bytes(content[:0x100000])
    assert digest_file(path).legacy is None


@pytest.mark.parametrize("extra", [0, 1, 8, 9, 1024 * 1024, 3 * 1024 * 1024 + 5])
def test_a_file_without_a_header_has_no_autov3(tmp_path, extra):
    path = tmp_path / "a.ckpt"
    content = b"x" * extra
    path.write_bytes(content)
    digests = digest_file(path)
    assert digests.sha256 == hashlib.sha256(content).hexdigest()
    assert digests.autov3 is None


def test_autov3_of_a_long_header_and_long_data_is_right(tmp_path):
    header = b'{"a":"' + b"m" * (1024 * 1024 + 7) + b'"}'
    data = os.urandom(2 * 1024 * 1024 + 11)
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    digests = digest_file(path)
    assert digests.autov3 == hashlib.sha256(data).hexdigest()[:12]
    assert digests.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_is_read_once_until_it_changes(tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    path.write_bytes(b"one")
    opens = []
    original = os.open

    def counted(path, *args, **named):
        opens.append(path)
        return original(path, *args, **named)

    monkeypatch.setattr(os, "open", counted)
    first = digest_file(path)
    assert digest_file(path) is first
    assert opens == [path]
    path.write_bytes(b"other")
    assert digest_file(path).sha256 == hashlib.sha256(b"other").hexdigest()
    assert opens == [path, path]


def test_a_file_changed_in_place_with_the_same_size_is_read_again(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"one")
    digest_file(path)
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert digest_file(path).sha256 == hashlib.sha256(b"two").hexdigest()


def test_a_digest_matches_in_every_spelling_and_either_case():
    digests = digest_file(LORA)
    data_sha256 = hashlib.sha256(LORA.read_bytes()[open_tensor_file(LORA).data_start :]).hexdigest()
    for digest in (digests.sha256, digests.autov2, digests.autov3, digests.sha256[:12], data_sha256):
        assert digest is not None
        assert digests.matches(digest)
        assert digests.matches(digest.upper())
    assert not digests.matches("0" * 10)


@pytest.mark.parametrize("length", [8, 10, 12, 64])
def test_the_digest_of_nothing_never_matches(length):
    empty = EMPTY_SHA256
    digests = Digests(sha256=empty, autov2=empty[:10], autov3=empty[:12], legacy=empty[:8])
    assert not digests.matches(empty[:length])
    assert not digests.matches(empty[:length].upper())


def test_a_missing_file_has_no_digests(tmp_path):
    for name in ("nothing", ".", "a\0b"):
        with pytest.raises(MissingFileError):
            digest_file(tmp_path / name)
