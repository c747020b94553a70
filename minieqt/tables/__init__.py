"""Tables that others made: what a missing value is, what a time is, what a column means; rows of picks and events."""
