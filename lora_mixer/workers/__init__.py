"""Who renders: this process, processes of this machine, or Ray, behind one interface."""

from __future__ import annotations
