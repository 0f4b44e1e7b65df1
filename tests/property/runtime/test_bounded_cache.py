"""A cache bounded by bytes beside the plainest model of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runtime.bounded_cache import ByteBoundedCache

STEPS = st.lists(
    st.tuples(st.sampled_from(("put", "get", "drop")), st.sampled_from("abcdef"), st.integers(0, 12)), max_size=60
)


@given(STEPS, st.integers(0, 20))
def test_it_keeps_what_was_used_last_as_far_as_that_fits(steps: list[tuple[str, str, int]], most: int) -> None:
    cache = ByteBoundedCache[str, bytes](most, len)
    model: list[tuple[str, bytes]] = []
    for step, key, size in steps:
        known = dict(model)
        if step == "put":
            cache.put(key, bytes(size))
            model = [each for each in model if each[0] != key] + [(key, bytes(size))]
            while sum(len(value) for _, value in model) > most and len(model) > 1:
                del model[0]
        elif step == "get":
            assert cache.get(key) == known.get(key)
            if key in known:
                model = [each for each in model if each[0] != key] + [(key, known[key])]
        else:
            cache.drop(key)
            model = [each for each in model if each[0] != key]
        assert cache.bytes == sum(len(value) for _, value in model)
        assert len(cache) == len(model)
