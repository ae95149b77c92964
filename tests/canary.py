"""A word that no program may write down: every password and passphrase of the tests holds it."""

CANARY = "kanarienvogel-7c41e0"
