"""Keys that are pressed anywhere on a page, handed to the server."""

from __future__ import annotations

from collections.abc import Callable

from bokeh.document import Document
from bokeh.models import CustomJS, TextInput

# Bokeh takes a mouse button held still for 300 ms for a press, and then ignores its moves: no drag would begin.
HANDOVER = """
Bokeh.require('core/ui_gestures').UIGestures.press_threshold = 2 ** 31 - 1;
document.addEventListener('keydown', (event) => {
  const typing = event.composedPath()[0].tagName;
  if (event.ctrlKey || event.metaKey || event.altKey || typing == 'INPUT' || typing == 'TEXTAREA') return;
  if (event.key == 'ArrowRight' || event.key == 'ArrowLeft' || event.key == ' ') event.preventDefault();
  window.keys = (window.keys || 0) + 1;
  sink.value = window.keys + ' ' + event.key;
});
"""


def hand_over(document: Document, act: Callable[[str], None]) -> TextInput:
    """An invisible field for the page: `act` gets every key that is pressed."""
    keys = TextInput(visible=False, name="keys")
    keys.on_change("value", lambda attribute, old, new: act(new.partition(" ")[2]))
    document.js_on_event("document_ready", CustomJS(args={"sink": keys}, code=HANDOVER))
    return keys
