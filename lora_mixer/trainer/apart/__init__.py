"""Trainings that run in a process of their own, each in a folder: whoever looks later finds them as they are.

No torch here but in the process that trains (`worker`), and nothing of pages or people: a caller keeps each person's
trainings below a folder of theirs.
"""

from __future__ import annotations

from lora_mixer.trainer.apart.place import TrainingAsked, TrainingPlace
from lora_mixer.trainer.apart.status import TrainingStatus
from lora_mixer.trainer.apart.trainings import Trainings

__all__ = ["TrainingAsked", "TrainingPlace", "TrainingStatus", "Trainings"]
