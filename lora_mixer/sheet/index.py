"""An HTML index of many pictures that opens from disk: lazy thumbnails, a search box, no network requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import quote

from lora_mixer.images import write_whole

MAX_CHOICES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """One picture of an index.

    Attributes:
        file: The picture, relative to the page.
        prompt: Its text, shown below it and searched.
        facts: Further values by name; those with few distinct values become filters.
    """

    file: Path
    prompt: str
    facts: Mapping[str, str]


def write_index(path: Path, entries: Sequence[IndexEntry], *, title: str) -> Path:
    """Write an HTML index of pictures; return its path.

    Raises:
        FileError: It cannot be written.
    """
    shared = _shared(entries)
    page = _PAGE.substitute(
        title=escape(title),
        shared=escape(" · ".join(f"{name} {value}" for name, value in shared.items())),
        count=str(len(entries)),
        filters="".join(_filters(entries)),
        figures="".join(_figure(entry, shared) for entry in entries),
    )
    write_whole(path, lambda out: out.write(page.encode("utf-8", "replace")))
    return path


def _shared(entries: Sequence[IndexEntry]) -> dict[str, str]:
    """Return the facts common to all entries, which are shown once, above the pictures."""
    first = entries[0].facts if entries else {}
    return {name: value for name, value in first.items() if all(e.facts.get(name) == value for e in entries)}


def _filters(entries: Sequence[IndexEntry]) -> Iterable[str]:
    for name in dict.fromkeys(name for entry in entries for name in entry.facts):
        values = sorted({entry.facts[name] for entry in entries if name in entry.facts})
        differs = len(values) > 1 or any(name not in entry.facts for entry in entries)
        if differs and len(values) <= MAX_CHOICES:
            options = "".join(f'<option value="{escape(f"{name}={v}")}">{escape(v)}</option>' for v in values)
            yield f'<label>{escape(name)} <select><option value="">all</option>{options}</select></label>'


def _figure(entry: IndexEntry, shared: Mapping[str, str]) -> str:
    source = quote(entry.file.as_posix())
    own = {name: value for name, value in entry.facts.items() if name not in shared}
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in own.items())
    keys = escape("\n".join(f"{name}={value}" for name, value in entry.facts.items()))
    words = escape(" ".join((entry.prompt, *entry.facts.values())).lower())
    return (
        f'<figure data-facts="{keys}" data-words="{words}"><a href="{source}"><img loading="lazy" src="{source}" '
        f'alt="{escape(entry.prompt[:200])}"></a><figcaption>{escape(entry.prompt)}<dl>{facts}</dl></figcaption></figure>\n'
    )


_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>$title</title>
<style>
:root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }
body { margin: 1.5rem; } h1 { font-size: 1.3rem; }
form { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1rem 0; align-items: center; }
input { flex: 1 1 16rem; } input, select { font: inherit; padding: .3rem .5rem; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1rem; }
figure { margin: 0; content-visibility: auto; contain-intrinsic-size: auto 18rem; } figure[hidden] { display: none; }
img { width: 100%; aspect-ratio: 1; object-fit: contain; background: #8882; border-radius: 6px; display: block; }
figcaption { font-size: .85rem; overflow-wrap: anywhere; } dl { margin: .3rem 0; opacity: .7; }
dt { float: left; clear: left; margin-right: .4rem; } dt::after { content: ":"; } dd { margin: 0; }
</style></head><body>
<h1>$title</h1>
<p>$shared</p>
<form role="search"><input type="search" placeholder="Search prompts and values" aria-label="Search">$filters<output>$count pictures</output></form>
<main>
$figures</main>
<script>
const form = document.forms[0], figures = [...document.querySelectorAll("figure")];
function sift() {
  const words = form.querySelector("input").value.toLowerCase().split(/\\s+/).filter(Boolean);
  const wanted = [...form.querySelectorAll("select")].map(s => s.value).filter(Boolean);
  let shown = 0;
  for (const f of figures) {
    const facts = f.dataset.facts.split("\\n");
    f.hidden = !(words.every(w => f.dataset.words.includes(w)) && wanted.every(w => facts.includes(w)));
    shown += !f.hidden;
  }
  form.querySelector("output").value = shown + " pictures";
}
form.addEventListener("input", sift);
form.addEventListener("submit", e => e.preventDefault());
</script></body></html>
""")
