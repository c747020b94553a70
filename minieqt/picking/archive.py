"""Archives, under the name by which programs written for earlier versions import them."""

from minieqt.records.archive import Archive, open_archive
from minieqt.records.selection import Selection

__all__ = ["Archive", "Selection", "open_archive"]
