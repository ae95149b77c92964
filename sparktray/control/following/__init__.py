"""What goes on as long as a connection, or the program: events, vitals, logs, liveness, sleep."""
