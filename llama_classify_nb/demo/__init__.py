"""The sample, and the API on loopback: the same two calls over real HTTP, with faults on request.

``faults`` is the vocabulary of what can go wrong; its text says how to use it.
"""

from . import faults
from .sample import sample_jobs, sample_labels_path, sample_path
from .server import DemoServer, demo_server
from .service import Request

__all__ = ["DemoServer", "Request", "demo_server", "faults", "sample_jobs", "sample_labels_path", "sample_path"]
