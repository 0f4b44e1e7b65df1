"""Assembly: the choice of an implementation for each seam. The settings name it; `backends` holds all names.

A module for each service, so that a command imports only what it uses: `storing`, `limiting`, ...; `services` has all.
"""
