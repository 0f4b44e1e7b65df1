"""SCHEDULE: jobs that run later, again, or never. So far the contract only: thrift_idl/pinlater.thrift."""
