"""Assembly: which implementation fills which seam. The settings name it; the tables here are all there is to name."""

from aragog.assembly.fetching import fetcher_of
from aragog.assembly.services import limiter_of, store_of
from aragog.assembly.whole import Assembly, assembled, serving

__all__ = ["Assembly", "assembled", "fetcher_of", "limiter_of", "serving", "store_of"]
