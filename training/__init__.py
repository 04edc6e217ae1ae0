"""What made the embedded model: data, networks, training, adapters, packaging and evaluation.

Every step is a module that runs by itself (``python -m training.vae``) and all of them run in order with
``python -m training.all``. A step that is done is skipped; a step that was killed goes on from its last checkpoint.
"""
