"""Tables that others made: which values are missing, how times are written, what columns mean; picks and events."""
