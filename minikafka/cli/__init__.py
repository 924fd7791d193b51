"""The `minikafka` command: tools for people at a terminal."""
