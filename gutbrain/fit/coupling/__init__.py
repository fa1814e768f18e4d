"""Which way it runs: coupled processes in continuous time, for one person or many."""
