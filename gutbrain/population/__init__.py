"""Many people: a plan cut into chunks that are lived anywhere, summarised at once, kept on disk and merged."""
