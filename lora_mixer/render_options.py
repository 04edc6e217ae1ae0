"""How pictures are computed, as opposed to what is on them: plain values that a call is given, and nobody else sees."""

from __future__ import annotations

from dataclasses import dataclass

from lora_mixer.errors import RequestError

ENGINES = ("auto", "measured", "merged", "side")
"""`auto` chooses by costs that are the same on every machine and day, `measured` by those of this machine."""
BATCH = 4
"""Pictures at once, where nobody says a number."""
LEAST_TILE = 64
"""The smallest tile that a network enlarges, in pixels before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderOptions:
    """How a call renders. It touches the last bits of pixels at most, and all of it stands in the picture's record.

    Attributes:
        engine: How mixes are applied, one of `ENGINES`; None: as the mixer was opened.
        batch: The most pictures rendered at once.
        threads: CPU threads; None: as the mixer was opened.
        tiled: Whether pictures are decoded in tiles; None: as the mixer was opened, else where memory is short.
        upscale_tile: The side of the tiles that a network enlarges, in pixels before; None: 192, less where memory runs out.

    Raises:
        RequestError: A value is out of range.
    """

    engine: str | None = None
    batch: int = BATCH
    threads: int | None = None
    tiled: bool | None = None
    upscale_tile: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.engine is not None and self.engine not in ENGINES:
            raise RequestError(f"there is no engine {self.engine!r}", remedy=f"Use one of {', '.join(ENGINES)}.")
        if self.batch < 1:
            raise RequestError(f"batch {self.batch} is out of range", remedy="Use 1 or more.")
        if self.threads is not None and self.threads < 1:
            raise RequestError(f"{self.threads} threads are out of range", remedy="Use 1 or more.")
        if self.upscale_tile is not None and self.upscale_tile < LEAST_TILE:
            raise RequestError(
                f"tiles of {self.upscale_tile} pixels are too small", remedy=f"Use {LEAST_TILE} or more."
            )

    def over(self, defaults: RenderOptions) -> RenderOptions:
        """Return these options, what they leave open taken from others.

        >>> RenderOptions(threads=2).over(RenderOptions(engine="side", threads=1))
        RenderOptions(engine='side', batch=4, threads=2, tiled=None, upscale_tile=None)
        """
        return RenderOptions(
            engine=defaults.engine if self.engine is None else self.engine,
            batch=self.batch,
            threads=defaults.threads if self.threads is None else self.threads,
            tiled=defaults.tiled if self.tiled is None else self.tiled,
            upscale_tile=defaults.upscale_tile if self.upscale_tile is None else self.upscale_tile,
        )


AUTO = RenderOptions(engine="auto")
"""Each batch by the engine that costs less, on the threads torch uses."""
