"""Assembly: which implementation fills which seam. The settings name it; `backends` is all there is to name.

One module a service, so that a command imports what it uses: `storing`, `limiting`, `fetching`; `whole` has them all.
"""
