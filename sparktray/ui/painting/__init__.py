"""What pages and windows are made of beside the platform's widgets: marks, rows of lists, labels."""
