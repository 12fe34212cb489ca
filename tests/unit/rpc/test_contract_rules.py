"""The contracts: nothing of a request goes unchecked."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, FieldDescriptor

import hearthgate
from buf.validate import validate_pb2

# Rows of the operator's catalogue: one bad row is named and must not refuse the others, so
# services/download_planning/domain/import_rules.py checks each.
CHECKED_IN_CODE = tuple(f"hearthgate.downloadplanning.v1.{name}." for name in ("Title", "Rendition", "LicenceWindow"))
TYPED = {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES, FieldDescriptor.TYPE_ENUM}


def requests() -> Iterator[Descriptor]:
    for module in pkgutil.walk_packages(hearthgate.__path__, "hearthgate."):
        if module.name.endswith("_pb2"):
            for service in importlib.import_module(module.name).DESCRIPTOR.services_by_name.values():
                yield from (method.input_type for method in service.methods)


def fields_within(message: Descriptor | None, seen: set[str]) -> Iterator[FieldDescriptor]:
    if message is None or message.full_name in seen:
        return
    seen.add(message.full_name)
    for field in message.fields:
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            yield from fields_within(field.message_type, seen)
        else:
            yield field


def test_every_text_bytes_and_enum_of_a_request_has_a_rule() -> None:
    seen: set[str] = set()
    fields = [field for message in requests() for field in fields_within(message, seen)]
    typed = [each for each in fields if each.type in TYPED and not each.full_name.startswith(CHECKED_IN_CODE)]
    assert len(typed) > 300
    assert not [each.full_name for each in typed if not each.GetOptions().HasExtension(validate_pb2.field)]
