"""PUBLISH: page record -> image signals -> event. Not built yet."""
