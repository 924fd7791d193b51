// A member of a consumer group by kafkajs; arguments, events and commands are those of go/main.go.
//
// kafkajs knows no group.instance.id, so its members are never static.
"use strict";

const readline = require("node:readline");
const { Kafka, logLevel } = require("kafkajs");

const given = Object.fromEntries(
  process.argv.slice(2).map((argument) => {
    const at = argument.indexOf("=");
    return [argument.slice(0, at), argument.slice(at + 1)];
  }),
);

function say(event) {
  process.stdout.write(JSON.stringify(event) + "\n");
}

function fail(error) {
  say({ event: "error", message: String(error && error.stack) });
  process.exit(1);
}

const kafka = new Kafka({
  brokers: given.bootstrap.split(","),
  clientId: given.client,
  logLevel: logLevel.NOTHING,
  // Without them a broker that restarts ends the consumer after five attempts.
  retry: { retries: 100, maxRetryTime: 1000 },
});

const consumer = kafka.consumer({
  groupId: given.group,
  sessionTimeout: Number(given.session_ms),
  heartbeatInterval: Number(given.heartbeat_ms),
  maxWaitTimeInMs: 200,
});

// Read, not yet committed: partition to the next offset.
const positions = new Map();

async function commit() {
  const offsets = [...positions].map(([partition, offset]) => ({
    topic: given.topic,
    partition,
    offset: String(offset),
  }));
  positions.clear();
  try {
    if (offsets.length > 0) await consumer.commitOffsets(offsets);
    say({ event: "committed" });
  } catch (error) {
    say({ event: "refused", message: error.message });
  }
}

async function leave() {
  await consumer.disconnect();
  say({ event: "left" });
}

async function main() {
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    say({ event: "owns", partitions: payload.memberAssignment[given.topic] || [] });
  });
  consumer.on(consumer.events.REBALANCING, () => {
    positions.clear();
    say({ event: "owns", partitions: [] });
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [given.topic], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      const offset = Number(message.offset);
      positions.set(partition, offset + 1);
      say({ event: "record", partition, offset, value: message.value.toString() });
    },
  });
  for await (const command of readline.createInterface({ input: process.stdin })) {
    if (command === "commit") await commit();
    if (command === "leave") break;
  }
  await leave();
  // After a restart of the broker kafkajs leaves something behind that keeps the process alive.
  process.stdout.write("", () => process.exit(0));
}

main().catch(fail);
