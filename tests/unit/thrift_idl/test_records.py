from __future__ import annotations

from typing import Any

import orjson
import pytest
from thrift.protocol.TProtocol import TProtocolException

from tests.support.idl_samples import sample, structs
from thrift_idl.gen.context.ttypes import Context
from thrift_idl.gen.fetcher.ttypes import FetchRequest, Header, Hop
from thrift_idl.gen.urlstore.ttypes import Attribute, Outcome, Page, PutPageRequest, UrlRow
from thrift_idl.records import field_names, pack, replace, to_json, unpack

RECORDS = [kind for kind in structs() if not issubclass(kind, BaseException)]


def hop() -> Hop:
    return Hop("http://a.example/", 301, "http://b.example/")


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_every_record_is_unpacked_as_it_was_packed(kind: type[Any]) -> None:
    record = sample(kind)
    assert unpack(kind, pack(record)) == record


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_every_record_is_frozen_hashable_and_has_its_fields_in_order(kind: type[Any]) -> None:
    record = sample(kind)
    assert hash(record) == hash(sample(kind))
    assert field_names(kind) == tuple(entry[2] for entry in kind.thrift_spec if entry is not None)
    with pytest.raises(TypeError):
        setattr(record, field_names(kind)[0], None)


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_every_record_becomes_json(kind: type[Any]) -> None:
    assert orjson.loads(orjson.dumps(to_json(sample(kind)))) == to_json(sample(kind))


def test_equal_records_pack_to_equal_bytes() -> None:
    assert pack(sample(Page)) == pack(unpack(Page, pack(sample(Page))))


def test_a_copy_with_changes_leaves_the_record_as_it_was() -> None:
    one = hop()
    other = replace(one, status=302)
    assert (one.status, other.status) == (301, 302)
    assert replace(other, status=301) == one


def test_a_change_of_a_field_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(TypeError, match="colour"):
        replace(hop(), colour="blue")


def test_fields_of_a_newer_writer_are_skipped() -> None:
    newer = pack(hop())[:-1] + b"\x0b\x03\xe7\x00\x00\x00\x02hi\x00"
    assert unpack(Hop, newer) == hop()


def test_fields_of_an_older_writer_get_their_defaults() -> None:
    older = pack(Hop("http://a.example/", 301, "http://b.example/", None, None, None))  # type: ignore[arg-type]
    assert unpack(Hop, older) == hop()


def test_a_missing_required_field_is_refused() -> None:
    with pytest.raises(TProtocolException, match="key"):
        unpack(UrlRow, b"\x00")


@pytest.mark.parametrize("cut", [0, 1, 5, 20, -1])
def test_rubbish_is_refused(cut: int) -> None:
    with pytest.raises(Exception):  # noqa: B017 - the codec raises half a dozen built-in types
        unpack(PutPageRequest, pack(sample(PutPageRequest))[:cut])


def test_json_leaves_out_what_is_absent_and_shows_bytes_as_hex() -> None:
    attribute = Attribute("team", "score", 1, b"\x00\xff", 5)
    expected = {"attribute_namespace": "team", "name": "score", "version": 1, "value": "00ff", "write_ms": 5}
    assert to_json(attribute) == expected
    assert to_json(Context("me")) == {"source": "me", "request_id": ""}


def test_json_reaches_into_lists_and_maps() -> None:
    request = FetchRequest(Context("me"), "u", resume=(hop(),))
    assert to_json(request)["resume"][0]["target"] == "http://b.example/"
    assert to_json(Outcome(family="refused", code="robots_denied", at_ms=1, details={"line": "3"}))["details"] == {
        "line": "3"
    }
    assert to_json((Header("a", "b"),)) == [{"name": "a", "value": "b"}]
