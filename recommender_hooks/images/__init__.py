"""Images: those that a page names, the visit of each, its state, and the signals computed from its bytes."""
