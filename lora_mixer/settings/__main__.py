"""`python -m lora_mixer.settings`: write what is made from the tables of settings as files, in a checkout."""

from __future__ import annotations

from lora_mixer.settings.pages import written
from lora_mixer.settings.stub import STUB, stub_text

if __name__ == "__main__":
    STUB.write_text(stub_text(), encoding="utf-8")
    for page in STUB.parents[2].glob("docs/*.md"):
        text = page.read_text(encoding="utf-8")
        if (now := written(text)) != text:
            page.write_text(now, encoding="utf-8")
