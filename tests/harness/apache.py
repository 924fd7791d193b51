"""Apache Kafka itself: its jars, fetched once with Maven, and the commands that run them.

The jars live below `$KAFKA_HOME/libs`, by default `~/.cache/apache-kafka-4.3.0/libs`; the unpacked
Kafka distribution has the same layout, so pointing KAFKA_HOME at one works as well.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

VERSION = "4.3.0"
JAVA_AT_LEAST = 17
ARTIFACTS = (
    f"org.apache.kafka:kafka_2.13:{VERSION}",
    f"org.apache.kafka:kafka-tools:{VERSION}",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",
)
LOGGING = Path(__file__).with_name("log4j2.properties")

# What Kafka's own start script passes to the JVM.
SERVER_FLAGS = (
    "-Xms1G",
    "-Xmx1G",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-Djava.awt.headless=true",
)
# Tools live for two seconds: the first compiler tier and the serial collector start fastest.
TOOL_FLAGS = ("-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")

TOOLS = {
    "kafka-acls": "org.apache.kafka.tools.AclCommand",
    "kafka-broker-api-versions": "org.apache.kafka.tools.BrokerApiVersionsCommand",
    "kafka-client-metrics": "org.apache.kafka.tools.ClientMetricsCommand",
    "kafka-cluster": "org.apache.kafka.tools.ClusterTool",
    "kafka-configs": "kafka.admin.ConfigCommand",
    "kafka-console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "kafka-console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-consumer-perf-test": "org.apache.kafka.tools.ConsumerPerformance",
    "kafka-delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
    "kafka-dump-log": "org.apache.kafka.tools.DumpLogSegments",
    "kafka-e2e-latency": "org.apache.kafka.tools.EndToEndLatency",
    "kafka-features": "org.apache.kafka.tools.FeatureCommand",
    "kafka-get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "kafka-groups": "org.apache.kafka.tools.GroupsCommand",
    "kafka-leader-election": "org.apache.kafka.tools.LeaderElectionCommand",
    "kafka-log-dirs": "org.apache.kafka.tools.LogDirsCommand",
    "kafka-metadata-quorum": "org.apache.kafka.tools.MetadataQuorumCommand",
    "kafka-producer-perf-test": "org.apache.kafka.tools.ProducerPerformance",
    "kafka-reassign-partitions": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
    "kafka-storage": "kafka.tools.StorageTool",
    "kafka-streams-application-reset": "org.apache.kafka.tools.StreamsResetter",
    "kafka-topics": "org.apache.kafka.tools.TopicCommand",
    "kafka-transactions": "org.apache.kafka.tools.TransactionsCommand",
    "kafka-verifiable-consumer": "org.apache.kafka.tools.VerifiableConsumer",
    "kafka-verifiable-producer": "org.apache.kafka.tools.VerifiableProducer",
}


def home() -> Path:
    """The directory whose `libs` holds (or will hold) Kafka's jars."""
    if given := os.environ.get("KAFKA_HOME"):
        return Path(given)
    return Path.home() / ".cache" / f"apache-kafka-{VERSION}"


def java() -> str | None:
    """The Java launcher of JAVA_HOME or the path, if it is new enough for Kafka 4."""
    java_home = os.environ.get("JAVA_HOME")
    launcher = shutil.which("java", path=f"{java_home}/bin" if java_home else None)
    if launcher is None:
        return None
    answer = subprocess.run([launcher, "-version"], capture_output=True, text=True, check=False)
    major = re.search(r'version "(\d+)', answer.stderr)
    return launcher if major and int(major[1]) >= JAVA_AT_LEAST else None


def installed() -> bool:
    return java() is not None and any(home().glob("libs/kafka_2.13-*.jar"))


def install() -> None:
    """Fetch the jars with Maven unless they are there. Raises RuntimeError with what is missing."""
    if java() is None:
        raise RuntimeError(f"Apache Kafka {VERSION} needs Java {JAVA_AT_LEAST} or newer")
    if installed():
        return
    maven = shutil.which("mvn")
    if maven is None:
        raise RuntimeError("mvn is needed to fetch the jars of Apache Kafka")
    home().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home()) as scratch:
        pom = Path(scratch, "pom.xml")
        pom.write_text(_pom())
        goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
        subprocess.run(
            [maven, "-q", "-B", "-f", str(pom), goal, f"-DoutputDirectory={scratch}/libs"],
            check=True,
        )
        # Renamed as a whole: an interrupted download never looks like an installation.
        shutil.rmtree(home() / "libs", ignore_errors=True)
        Path(scratch, "libs").rename(home() / "libs")


def _pom() -> str:
    dependencies = "".join(
        "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>"
        "</dependency>".format(*artifact.split(":"))
        for artifact in ARTIFACTS
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>minikafka</groupId><artifactId>apache-kafka-jars</artifactId>"
        f"<version>1</version><dependencies>{dependencies}</dependencies></project>"
    )


def command(
    main_class: str,
    arguments: Sequence[str],
    flags: Sequence[str],
    classes: Path | None = None,
) -> list[str]:
    """The command line that runs a class of Kafka's, or one of ours below `classes`."""
    launcher = java()
    assert launcher is not None, "install() comes first"
    class_path = f"{home()}/libs/*" if classes is None else f"{classes}:{home()}/libs/*"
    options = (f"-Dlog4j2.configurationFile={LOGGING}", "-cp", class_path)
    return [launcher, *flags, *options, main_class, *arguments]


def server_command(properties: Path) -> list[str]:
    return command("kafka.Kafka", [str(properties)], SERVER_FLAGS)


def run_tool(
    name: str, *arguments: str, stdin: bytes = b"", timeout_s: float = 90
) -> subprocess.CompletedProcess[bytes]:
    """Run one of Kafka's command line tools to its end; the exit code is the caller's to judge."""
    line = command(TOOLS[name], arguments, TOOL_FLAGS)
    return subprocess.run(line, input=stdin, capture_output=True, timeout=timeout_s, check=False)
