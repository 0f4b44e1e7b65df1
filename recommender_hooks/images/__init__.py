"""Images: which a page names, the visit of each, its state, and the signals that its bytes give."""
