import pytest

from minikafka.settings.environment import from_environment, key_of


@pytest.mark.parametrize(
    ("variable", "key"),
    [
        ("KAFKA_LOG_RETENTION_MS", "log.retention.ms"),
        ("KAFKA_NODE_ID", "node.id"),
        ("KAFKA_MINIKAFKA_SEND_PATH", "minikafka.send.path"),
        (
            "KAFKA_LISTENER_NAME_SASL__PLAINTEXT_SCRAM___SHA___512_SASL_JAAS_CONFIG",
            "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config",
        ),
        ("KAFKA_HOME", None),
        ("KAFKA_OPTS", None),
        ("KAFKA_HEAP_OPTS", None),
        ("KAFKA_JVM_PERFORMANCE_OPTS", None),
        ("KAFKA_CLUSTER_ID", None),
        ("KAFKA_LOG4J_ROOT_LOGLEVEL", None),
        ("KAFKA_JMX_PORT", None),
        ("CLUSTER_ID", None),
        ("LOG_RETENTION_MS", None),
    ],
)
def test_names(variable: str, key: str | None) -> None:
    assert key_of(variable) == key


def test_only_known_keys_are_taken() -> None:
    found, misspelt = from_environment(
        {
            "KAFKA_NUM_PARTITIONS": "3",
            "KAFKA_LISTENER_NAME_A_SSL_KEYSTORE_LOCATION": "/x",
            # What Kubernetes sets for a service called kafka.
            "KAFKA_PORT": "tcp://10.0.0.1:9092",
            "KAFKA_SERVICE_HOST": "10.0.0.1",
            "KAFKA_NUM_PARTITION": "4",
        }
    )
    assert found == {"num.partitions": "3", "listener.name.a.ssl.keystore.location": "/x"}
    assert misspelt == [("KAFKA_NUM_PARTITION", "num.partitions")]
