"""Real Redis, Cassandra, S3 (Ceph) and Kafka on loopback, without Docker: `python -m deploy.engines start`.

Standard library only, so that it runs before anything is installed. Pytest fixtures use the same code.
"""

from deploy.engines.catalogue import NAMES, private, running, shared, sweep
from deploy.engines.engine import Engine, EngineState
from deploy.engines.errors import EngineError

__all__ = ["NAMES", "Engine", "EngineError", "EngineState", "private", "running", "shared", "sweep"]
