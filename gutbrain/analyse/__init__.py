"""Pure functions on the tables of a study: what changed, in whom, together with what."""
