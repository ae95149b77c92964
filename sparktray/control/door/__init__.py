"""The door: commands of the command line are answered by the tray that runs for the same config folder."""
