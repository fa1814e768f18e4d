"""Change of single people: volatility, responders, reliable change, diaries, cortisol and heart."""
