"""Models: the only room that knows how a checkpoint is opened and which classes its networks are."""

from lora_mixer.models.attention import Heard
from lora_mixer.models.device import DTYPES
from lora_mixer.models.digest import digest_of_files
from lora_mixer.models.families import family_index
from lora_mixer.models.heap import memory_at_hand
from lora_mixer.models.index import index_of, module_of
from lora_mixer.models.layout import laid_out
from lora_mixer.models.memory import release_memory
from lora_mixer.models.model import Model
from lora_mixer.models.offload import OFFLOAD_MODES, free_memory
from lora_mixer.models.opening import files_of, open_model
from lora_mixer.models.packing import Packed, gains_as_matrix, multiplied, multiplied_and_added, packed_matrix
from lora_mixer.models.saving import save_folder
from lora_mixer.models.threads import helpful_threads, using_threads
from lora_mixer.models.timing import shortest
from lora_mixer.models.tuning import tune

__all__ = [
    "DTYPES",
    "OFFLOAD_MODES",
    "Heard",
    "Model",
    "Packed",
    "digest_of_files",
    "family_index",
    "files_of",
    "free_memory",
    "gains_as_matrix",
    "helpful_threads",
    "index_of",
    "laid_out",
    "memory_at_hand",
    "module_of",
    "multiplied",
    "multiplied_and_added",
    "open_model",
    "packed_matrix",
    "release_memory",
    "save_folder",
    "shortest",
    "tune",
    "using_threads",
]
