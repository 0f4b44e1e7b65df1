"""The contracts: IDL, generated structs (our records), errors, service Protocols, and RPC."""
