"""robots.txt: reading and rules (pure), copies kept, and the gate that every page passes (RFC 9309)."""
