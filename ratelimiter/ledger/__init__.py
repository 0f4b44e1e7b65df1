"""Politeness that can be proved: every grant on record (`writing`), read back (`reading`) and held to the limits
(`proof`), compared with a site's access log (`agreement`), drawn (`picture`), replayed with other limits (`replay`).
"""
