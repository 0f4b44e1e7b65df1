"""Events: what a page event holds, the mark that says it was published, and events read back."""
