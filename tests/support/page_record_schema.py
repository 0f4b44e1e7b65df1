"""The page record's documented JSON schema, compiled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fastjsonschema
import orjson

import extraction

SCHEMA: dict[str, Any] = orjson.loads((Path(extraction.__file__).parent / "page_record.schema.json").read_bytes())
#: Raises `JsonSchemaException` for a record that isn't of the schema.
check = fastjsonschema.compile(SCHEMA)
