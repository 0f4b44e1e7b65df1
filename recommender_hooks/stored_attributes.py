"""Attributes of a URL as hooks read them: a damaged one counts as absent, and is written again."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from thrift_idl.errors import StoreUnreadable, is_of_a_row
from thrift_idl.gen.urlstore.protocol import UrlStore
from thrift_idl.gen.urlstore.ttypes import Attribute, GetAttributesRequest

_log = logging.getLogger(__name__)


async def stored_attributes(store: UrlStore, request: GetAttributesRequest) -> Sequence[Attribute]:
    """The store's values of these attributes; none if one of them is damaged. Raises `BackendDown` and its kinds."""
    try:
        return await store.get_attributes(request)
    except StoreUnreadable as error:
        if not is_of_a_row(error):
            raise
        _log.warning("attributes are written again: %s", error)
        return ()
