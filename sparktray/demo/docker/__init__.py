"""Docker as the demo has it: containers, images and volumes, its API and its command."""
