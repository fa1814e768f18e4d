"""What an instrument would show: questionnaires, heartbeats and breathing, scored as in a real study."""
