"""Tables whose meaning a mapping file gives, and the draft of such a file."""
