"""Stores of the limiter's state. Each fills `ratelimiter.state.StateBackend`; one contract suite for all."""
