"""Generates `thrift_idl/gen/` from the IDL: structs (by the Thrift compiler), type stubs and service Protocols."""
