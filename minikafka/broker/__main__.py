"""`python -m minikafka.broker`: the command `minikafka-broker`."""

import sys

from minikafka.broker.main import main

sys.exit(main())
