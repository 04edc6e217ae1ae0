"""What still stands in English on a page that is shown in Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator

from playwright.sync_api import Page

from lora_mixer.catalog import load_models_file
from lora_mixer.choices import METHODS, PRESETS
from lora_mixer.choices.samplers import SAMPLERS
from lora_mixer.choices.schedules import SCHEDULES

TEXTS = """() => {
    const theirs = '#history-grid, #history .thumbnail-item, #record, #batch-text, #lora-about, .lightbox-record, script, style, kbd';
    const attributes = ['aria-label', 'aria-roledescription', 'aria-description', 'title', 'placeholder', 'alt'];
    const found = [];
    for (const one of document.querySelectorAll('body *')) {
        if (one.closest(theirs) || (!one.checkVisibility() && !one.closest('.desk, .own'))) continue;
        const texts = [...one.childNodes].filter(node => node.nodeType === Node.TEXT_NODE).map(node => node.data);
        found.push(...texts, ...attributes.map(name => one.getAttribute(name) ?? ''));
    }
    return [...new Set(found)];
}"""
"""Every text and every name of the page, those that our own components hide for now too; not what people wrote, and records."""
TERMS = """
LoRA LoRAs Mixer Forge ComfyUI LoHa LoKr UNet VAE CLIP CFG Eta SDXL sdxl emoji Lanczos CPU NVIDIA nv GPU ALL px KiB KB MiB MB GB
TOML toml PNG png JPEG jpg WebP WEBP webp GIF MP txt zip CSV JSON safetensors loras grid sheet models folders lora
Ctrl Shift Enter Esc Tab Delete ENTER DELETE
"""
"""Terms of the field, units, formats, keys and names in files, which Chinese pages have in English, too."""


def _names() -> Iterator[str]:
    library = load_models_file()
    yield from (path.stem for folder in library.lora_folders for path in folder.rglob("*.safetensors"))
    yield from (row.name for table in (SAMPLERS, SCHEDULES.values(), METHODS, PRESETS) for row in table)
    yield from (*(method.title for method in METHODS), *library.models)


def english_on(page: Page, *names: str) -> list[str]:
    """Return the texts of a page that have English words in them: no name of a LoRA, a sampler or the like, and no term.

    Args:
        page: The page.
        names: Other names on it, such as those of files.
    """
    known = sorted({*_names(), *names}, key=len, reverse=True)
    name = re.compile(
        r"<[^<>]*>|\.[a-z]+|--\w+|" + "|".join(rf"(?<![A-Za-z]){re.escape(one)}(?![A-Za-z])" for one in known)
    )
    return [
        text
        for text in page.evaluate(TEXTS)
        if set(re.findall(r"[A-Za-z]{2,}", name.sub("", text))) - set(TERMS.split())
    ]


def latin_marks_on(page: Page) -> list[str]:
    """Return the texts of a page that have colons, commas or the like in their Latin form beside Chinese letters."""
    return [
        text
        for text in page.evaluate(TEXTS)
        if re.search(r"[\u4e00-\u9fff][:;,!?.](\s|$)|[:;,!?] [\u4e00-\u9fff]", text)
    ]
