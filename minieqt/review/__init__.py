"""Picks reviewed and corrected by people: a journal of corrections, what to look at first, a page in the browser."""
