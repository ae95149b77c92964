"""What each engine needs and means, as pure functions: argv, probes, log phases, failure rules."""
