"""What is done to a host on behalf of operations: surveys for plans, steps and their proofs."""
