"""PUBLISH: makes the signals of a stored page's images, and sends one event for each page version to a sink.

`image` is pure and runs in a child process; `signals.SignalsService` is what a worker calls; `backends` has the sinks.
"""
