from __future__ import annotations

import dataclasses

from thrift_idl.rpc.connections import Connections
from thrift_idl.rpc.limits import connections_within


@dataclasses.dataclass(eq=False)
class One:
    running: int = 0
    held: int = 0
    waits_since: float = 0.0
    why: str = ""

    def cut(self, reason: str) -> None:
        self.why = reason


def test_a_full_server_gives_the_place_of_the_one_heard_longest_ago_to_the_next() -> None:
    connections = Connections[One](3)
    first, second, third, fourth = One(), One(), One(), One()
    assert all(connections.admit(one) for one in (first, second, third))
    connections.heard(first)
    assert connections.admit(fourth)
    assert list(connections) == [third, fourth, first]
    assert [one.why for one in (first, second, third)] == ["", "its place was needed", ""]


def test_those_who_never_said_a_word_drive_nobody_out_who_did() -> None:
    connections = Connections[One](3)
    caller = One()
    assert connections.admit(caller)
    connections.heard(caller)
    assert all(connections.admit(One()) for _ in range(100))
    assert caller.why == "" and caller in list(connections)


def test_a_connection_whose_calls_run_keeps_its_place() -> None:
    connections = Connections[One](2)
    busy, idle = One(running=1), One()
    assert connections.admit(busy)
    assert connections.admit(idle)
    assert connections.admit(One())
    assert (busy.why, idle.why) == ("", "its place was needed")


def test_where_all_have_calls_running_nobody_is_taken() -> None:
    connections = Connections[One](1)
    assert connections.admit(One(running=1))
    assert not connections.admit(One())
    assert len(connections) == 1


def test_one_that_lost_its_place_comes_back_by_no_late_word() -> None:
    connections = Connections[One](1)
    gone = One()
    connections.admit(gone)
    connections.admit(One())
    connections.heard(gone)
    connections.leave(gone)
    assert len(connections) == 1


def test_the_bytes_that_go_first_are_those_kept_longest_not_the_most_nor_the_last() -> None:
    connections = Connections[One](9)
    nothing, long, much = One(waits_since=0.0), One(held=10, waits_since=5.0), One(held=1000, waits_since=6.0)
    assert connections.longest_held() is None
    for one in (nothing, much, long):
        connections.admit(one)
    assert connections.longest_held() is long


def test_connections_leave_descriptors_for_other_servers_and_files() -> None:
    assert connections_within(None, 4096) == 4096
    assert connections_within(65_536, 4096) == 4096
    assert connections_within(1024, 4096) == 256
    assert connections_within(3, 4096) == 1
