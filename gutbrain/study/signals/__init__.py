"""Readers of heartbeats, phones and wearables."""
