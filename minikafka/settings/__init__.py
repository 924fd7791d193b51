"""Every setting of the broker, of a topic, of a group: declared once, read everywhere.

The lowest room and a pure one: text in, typed values out. One declaration (`declare.setting`)
gives parsing, validation, the default, the documentation, what DescribeConfigs says about the key,
the rule for changing it while the broker runs, and the values with which the simulation hurts.

| module | holds |
|---|---|
| `kinds`, `declare` | value types of Kafka's ConfigDef; `Setting`, `setting()`, `SettingError` |
| `server listeners quorum log replication groups transactions` | declarations by concept |
| `accepted*` | the keys that Kafka knows and minikafka takes without acting upon them |
| `broker`, `topic`, `resources` | resolved settings of a broker, a topic; group and metrics keys |
| `alter`, `describe` | IncrementalAlterConfigs and DescribeConfigs as pure functions |
| `properties`, `environment` | `server.properties`, `KAFKA_*` variables, `load()` of all sources |
"""
