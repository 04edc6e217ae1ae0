"""Executors: render in this process, in processes of this machine, or on Ray, behind one interface."""

from __future__ import annotations
