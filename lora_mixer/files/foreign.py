"""Recognise files that are not safetensors by their first bytes, with remedies."""

from __future__ import annotations

from dataclasses import dataclass

from lora_mixer.errors import BrokenFileError, FileError, UnsafeFileError

PICKLE_SUFFIXES = frozenset({".bin", ".ckpt", ".pt", ".pth"})

_CONVERT = (
    "Take the .safetensors version of it, or convert it once: load it with "
    "torch.load(..., weights_only=True), then save it with safetensors.torch.save_file."
)
_AGAIN = "Download it again; a site that needs a login or a token gives a page instead of the file."


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignFile:
    """A kind of file that is often found under a `.safetensors` name."""

    starts: tuple[bytes, ...]
    what: str
    remedy: str
    error: type[FileError] = BrokenFileError


# The first row that fits wins. Starts are compared in lower case, after white space.
FOREIGN = (
    ForeignFile(
        starts=(b"pk\x03\x04", b"pk\x05\x06"),
        what="this is a zip archive, as torch.save writes them; reading the pickle in it could run code",
        remedy=_CONVERT,
        error=UnsafeFileError,
    ),
    ForeignFile(
        starts=tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6)),
        what="this is a Python pickle; reading it could run code",
        remedy=_CONVERT,
        error=UnsafeFileError,
    ),
    ForeignFile(
        starts=(b"version https://git-lfs",),
        what="this is a Git LFS pointer, a few lines of text that stand for the real file",
        remedy="Run `git lfs pull` in its repository, or download the file itself.",
    ),
    ForeignFile(starts=(b"<!doctype", b"<html", b"<head", b"<?xml"), what="this is a web page", remedy=_AGAIN),
    ForeignFile(
        starts=(b'{"', b"{\n", b"{\r", b"{ "), what="this is JSON text, perhaps a site's error message", remedy=_AGAIN
    ),
    ForeignFile(
        starts=(b"gguf", b"ggml", b"lmgg", b"tmgg", b"tjgg", b"algg"),
        what="this is a file of llama.cpp (GGML or GGUF), whose models are other ones",
        remedy="Take the .safetensors version of it.",
    ),
    ForeignFile(
        starts=(b"\x89png", b"\xff\xd8\xff", b"riff", b"gif8"),
        what="this is a picture",
        remedy="Perhaps it is the preview of the file you meant.",
    ),
)


def detect(start: bytes) -> ForeignFile | None:
    """Return what a file that is not safetensors is, from its first bytes, or None if they say nothing.

    Only for files that failed as safetensors: the header length 640 also begins like a pickle.
    """
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return next((row for row in FOREIGN if text.startswith(row.starts)), None)
