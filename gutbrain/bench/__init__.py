"""Engines of gutbrain and of others side by side: same people, same protocol, same measure of error."""
