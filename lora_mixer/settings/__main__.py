"""`python -m lora_mixer.settings`: write what is made from the tables of settings as files."""

from __future__ import annotations

from lora_mixer.settings.stub import STUB, stub_text

if __name__ == "__main__":
    STUB.write_text(stub_text(), encoding="utf-8")
