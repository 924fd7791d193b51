"""Kills, stops and cuts off the nodes of a cluster under load, and counts every record.

    PYTHONPATH=tests python -m cluster_kills --faults kills --cycles 50 --records 1000000

`kills`: kill -9 of leader, controller, follower and all at once in turn; `pauses`: SIGSTOP of 15 s;
`cuts`: one-way and two-way partitions between network namespaces (root and iproute2). Exit code 1
when a record is lost, doubled, out of order, or was never acknowledged.
"""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path

from harness import apache, namespaces
from harness.broker import Software
from harness.cluster import RunningCluster

from cluster_kills.faults import CUTS, KILLS, PAUSES
from cluster_kills.run import WRITERS, run

FAULTS = {"kills": KILLS, "pauses": PAUSES, "cuts": CUTS}


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m cluster_kills", description=__doc__)
    parser.add_argument("--faults", choices=FAULTS, default="kills")
    parser.add_argument("--cycles", type=int, help="how many faults; by default each once")
    parser.add_argument("--records", type=int, default=0, help="at least so many are written")
    parser.add_argument("--rate", type=int, default=2000, help="records a second by each writer")
    parser.add_argument("--software", choices=[each.value for each in Software])
    parser.add_argument("--dynamic", action="store_true", help="voters live in the log")
    parser.add_argument("--keep", type=Path, help="keep data and logs of the nodes here")
    options = parser.parse_args()
    software = Software(options.software or "minikafka")
    if software is Software.APACHE:
        apache.install()
    faults = FAULTS[options.faults]
    with ExitStack() as stack:
        network = None
        if options.faults == "cuts":
            if not namespaces.available():
                say("cuts need root and iproute2")
                return 1
            network = stack.enter_context(namespaces.Network(3))
        directory = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        places = None if network is None else network.places
        cluster = RunningCluster(
            directory, software=software, first_id=1, dynamic=options.dynamic, places=places
        )
        stack.enter_context(cluster)
        chosen = list(islice(cycle(faults), options.cycles or len(faults)))
        verdict, struck = run(
            cluster,
            chosen,
            rate=options.rate,
            records=options.records,
            say=say,
            network=network,
        )
    for fault in faults:
        of_fault = [each for each in struck if each.fault == fault.name]
        for writer in WRITERS:
            gaps = sorted(each.gaps_ms[writer] for each in of_fault)
            if gaps:
                middle = gaps[len(gaps) // 2]
                say(f"{fault.name}, {writer}: waited {middle} ms (median), {gaps[-1]} at most")
    say(f"{software.value}: {len(struck)} faults; {verdict}")
    return 0 if verdict.clean else 1


if __name__ == "__main__":
    sys.exit(main())
