"""How a picture was made, in words."""

from __future__ import annotations

from lora_mixer import Mixer, RenderRequest
from lora_mixer.mixes import LoraUse, Rectangle, Strength
from lora_mixer_app.web.how_made import how_made


def test_a_mask_is_told(mixer: Mixer) -> None:
    masked = LoraUse(name="sepia", strength=Strength(0.5, mask=Rectangle(left=0, top=0, right=0.5, bottom=1)))
    made = mixer.render(RenderRequest("cat", steps=1, loras=(masked, LoraUse(name="line_art", strength=Strength(1.0)))))
    assert how_made(made.record).splitlines()[-1] == "Mask of sepia: left, top, right, bottom 0, 0, 0.5, 1"
    assert how_made(made.record).count("Mask of") == 1
