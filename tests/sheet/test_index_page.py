"""The index opens from disk, filters, and asks nobody for anything."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from lora_mixer.sheet import IndexEntry, write_index

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def _page(path: Path, entries: list[IndexEntry], title: str = "run") -> list[tuple[str, dict[str, str | None]]]:
    tags = _Tags()
    tags.feed(write_index(path, entries, title=title).read_text("utf-8"))
    return tags.tags


def test_hostile_prompts_names_and_titles_are_only_text(tmp_path):
    entry = IndexEntry(file=Path('images/a"b#c?.png'), prompt=HOSTILE, facts={HOSTILE: HOSTILE})
    tags = _page(tmp_path / "index.html", [entry], title=HOSTILE)
    assert [tag for tag, _ in tags].count("script") == 1
    images = [attributes for tag, attributes in tags if tag == "img"]
    assert [image["src"] for image in images] == ["images/a%22b%23c%3F.png"]
    assert not any(name.startswith("on") for _, attributes in tags for name in attributes)


def test_pictures_load_lazily_and_nothing_comes_from_elsewhere(tmp_path):
    entries = [IndexEntry(file=Path(f"images/{n}.png"), prompt="p", facts={"sampler": f"s{n}"}) for n in range(3)]
    tags = _page(tmp_path / "index.html", entries)
    assert all(attributes.get("loading") == "lazy" for tag, attributes in tags if tag == "img")
    addresses = [a[name] for _, a in tags for name in ("src", "href") if name in a]
    assert all(address and "//" not in address for address in addresses)


def test_facts_that_differ_become_filters_and_those_that_do_not_stay_out(tmp_path):
    entries = [
        IndexEntry(file=Path(f"{n}.png"), prompt="p", facts={"sampler": f"s{n}", "model": "m", "seed": str(n)})
        for n in range(2)
    ]
    options = [a["value"] for tag, a in _page(tmp_path / "index.html", entries) if tag == "option"]
    assert "sampler=s0" in options
    assert not any(value and value.startswith("model=") for value in options)


def test_what_all_pictures_share_is_said_once_and_a_lora_of_some_becomes_a_filter(tmp_path):
    entries = [
        IndexEntry(file=Path("0.png"), prompt="p", facts={"model": "emoji"}),
        IndexEntry(file=Path("1.png"), prompt="p", facts={"model": "emoji", "ink": "0.9"}),
    ]
    path = tmp_path / "index.html"
    options = [a["value"] for tag, a in _page(path, entries) if tag == "option"]
    assert options == ["", "ink=0.9"]
    assert path.read_text("utf-8").count("<dt>") == 1
    assert "model emoji" in path.read_text("utf-8")
