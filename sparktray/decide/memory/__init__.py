"""The sum behind "it fits": made for a switch, and said in words."""
