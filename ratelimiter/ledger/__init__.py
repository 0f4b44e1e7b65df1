"""The ledger, which proves politeness: every grant is recorded (`writing`), read back (`reading`), checked against the
limits (`proof`), compared with a site's access log (`agreement`), drawn (`picture`), replayed with other limits
(`replay`).
"""
