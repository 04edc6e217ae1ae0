"""Many pictures from Python: in order, as they come, from asyncio, with progress and cancel.

Each `# %%` is a cell for editors that know them; the whole file runs as it stands.
"""

# ruff: noqa: T201  an example talks
# %%
from __future__ import annotations

import asyncio

from lora_mixer import LoraUse, Mixer, Progress, RenderedImage, RenderRequest, Strength
from lora_mixer.errors import CancelledError

mixer = Mixer.open()  # the embedded model, unless models.toml says otherwise

# %% One prompt under five strengths of a LoRA: one batch, each picture with a mix of its own.
requests = [
    RenderRequest(
        prompt="cat face, white background",
        seed=11,
        steps=2,
        loras=(LoraUse(name="top_hat", strength=Strength(strength)),),
    )
    for strength in (0.0, 0.25, 0.5, 0.75, 1.0)
]
for picture in mixer.render_many(requests, batch=5):
    print(picture.record.settings.loras[0].strength.denoiser, picture.image.size)

# %% A job runs in a thread of its own; the handle has progress, cancel and the result.
job = mixer.submit(requests, batch=2)
pictures = job.result(timeout=600)
assert len(pictures) == len(requests)
assert job.progress is not None
print(f"{job.progress.fraction:.0%} of {job.progress.total} pictures")


# %% In asyncio: pictures as they are done.
async def listen() -> None:
    """Print each picture's prompt; the event loop stays free meanwhile."""
    async for picture in mixer.stream(["red heart", "blue flower"], seed=7, steps=2):
        print(picture.record.settings.prompt)


asyncio.run(listen())


# %% Progress between the pictures, and a cancel that keeps what is finished.
async def watch() -> int:
    """Cancel after the first picture; return how many there are."""
    with mixer.submit(["sun"] * 50, batch=1, steps=2) as job:
        try:
            async for event in job.events():
                if isinstance(event, Progress):
                    print(f"step {event.step} of {event.steps}, {event.fraction:.0%} of everything")
                elif isinstance(event, RenderedImage):
                    job.cancel()
        except CancelledError as error:
            print(error)
    return len(job.pictures)


assert 1 <= asyncio.run(watch()) < 50
