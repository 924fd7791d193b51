"""What a person at a terminal is told: where clients connect, and three ways to try it."""

from collections.abc import Sequence


def banner(
    addresses: Sequence[tuple[str, str, int]], log_dirs: Sequence[str], *, temporary: bool
) -> str:
    """At most ten lines. `addresses`: (listener, host, port) of the listeners for clients."""
    places = ", ".join(f"{shown(host)}:{port}" for _, host, port in addresses)
    kept = "a temporary directory, gone at the end" if temporary else ", ".join(log_dirs)
    does = f"listens on {places}" if addresses else "runs as a controller"
    lines = [f"minikafka {does}; data in {kept}. Ctrl-C stops it."]
    if addresses:
        _, host, port = addresses[0]
        at = f"{shown(host)}:{port}"
        lines += [
            "",
            "kcat     echo hello | kcat -b AT -t greetings -P && kcat -b AT -t greetings -C -e",
            "Java     kafka-console-producer.sh --bootstrap-server AT --topic greetings",
            "Python   from confluent_kafka import Producer  # pip install confluent-kafka",
            '         p = Producer({"bootstrap.servers": "AT"}); p.produce("greetings", b"hi")',
            "         p.flush()",
        ]
        lines = [line.replace("AT", at) for line in lines]
    return "\n".join(lines)


def shown(host: str) -> str:
    """A host to connect to from this machine, IPv6 in brackets."""
    if host in ("", "0.0.0.0", "::"):
        return "localhost"
    return f"[{host}]" if ":" in host else host
