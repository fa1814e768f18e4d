"""Readers of what sequencing and arrays give: tables of amounts, artifacts, profiles, lineages."""
