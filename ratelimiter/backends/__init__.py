"""Where the limiter's state lives. Each backend fills `ratelimiter.state.StateBackend`; one contract suite for all."""
