"""A Spark in memory, behind the same link as a real one: no socket, no process, nothing on a disk.

It stands where a link stands (`sparktray.remote.link`), so that all above it is the code that speaks to a
real host: HTTP, the Docker Engine API, commands, samples. What it answers is held to what a real host answers
by tests that both pass (tests/contract). Times are shorter than a Spark's: a load takes seconds.
"""
