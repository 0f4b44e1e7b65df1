"""Errors of engines, with texts that tell the reader what to do."""


class EngineError(Exception):
    """An engine can't be started, stopped or reached; the message says what to do about it."""


class ProgramMissing(EngineError):
    """A program that the engine needs isn't installed; the message names its Debian package."""


class EngineFailed(EngineError):
    """The engine was started and died, or did not answer in time; the message ends with its log's last lines."""
