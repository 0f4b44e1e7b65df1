"""Where robots.txt copies are kept: one file per engine, each filling `RobotsCache`."""
