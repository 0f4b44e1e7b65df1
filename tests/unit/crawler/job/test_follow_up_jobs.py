from __future__ import annotations

import json

import pytest

from crawler.job.follow_up_jobs import FollowUp
from thrift_idl.errors import InvalidRequest


@pytest.mark.parametrize("job", [FollowUp("http://a.test/é?x=1", 3), FollowUp("http://a.test/", 0, failures=2)])
def test_a_follow_up_comes_back_as_it_was_written(job: FollowUp) -> None:
    assert FollowUp.decode(job.encode()) == job


def test_the_body_is_what_workers_of_every_version_wrote() -> None:
    assert FollowUp("http://a.test/", 3).encode() == b'{"v":1,"url":"http://a.test/","version":3}'
    assert json.loads(FollowUp("http://a.test/", 3, 2).encode())["failures"] == 2
    assert FollowUp.decode(b'{"v":1,"url":"u","version":3,"later":[]}') == FollowUp("u", 3)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "no follow-up job"),
        (b"[]", "no follow-up job"),
        (b"\xff", "no follow-up job"),
        (b'{"url":"u","version":1}', "`v`"),
        (b'{"v":"1","url":"u","version":1}', "`$.v`"),
        (b'{"v":1,"version":1}', "`url`"),
        (b'{"v":1,"url":5,"version":1}', "`$.url`"),
        (b'{"v":1,"url":"u","version":"3"}', "`$.version`"),
        (b'{"v":1,"url":"u","version":3,"failures":null}', "`$.failures`"),
        (b'{"v":2,"address":"u"}', "version 2; this Aragog knows 1"),
    ],
)
def test_what_is_no_follow_up_is_an_invalid_request_that_names_the_key(body: bytes, told: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        FollowUp.decode(body)
    assert told in error.value.message
