"""The generator of `thrift_idl/gen/` from the IDL: structs (by the Thrift compiler), type stubs, service Protocols."""
