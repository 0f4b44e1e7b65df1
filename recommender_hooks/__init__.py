"""PUBLISH: a stored page to the signals of its images, and one event per page version to a sink.

`image` is pure and runs in a child process; `signals.SignalsService` is what a worker calls; `backends` has the sinks.
"""
