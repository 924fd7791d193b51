import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * A member of a consumer group by Kafka's own client; arguments, events and commands are those of
 * go/main.go. Values hold no quotes.
 */
final class Member {
    private final BlockingQueue<String> commands = new LinkedBlockingQueue<>();
    private final KafkaConsumer<String, String> consumer;

    private Member(Map<String, String> given) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", given.get("bootstrap"));
        settings.put("client.id", given.get("client"));
        settings.put("group.id", given.get("group"));
        settings.put("session.timeout.ms", given.get("session_ms"));
        settings.put("heartbeat.interval.ms", given.get("heartbeat_ms"));
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        if (given.containsKey("instance")) {
            settings.put("group.instance.id", given.get("instance"));
        }
        consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
        consumer.subscribe(List.of(given.get("topic")), new ConsumerRebalanceListener() {
            @Override
            public void onPartitionsRevoked(Collection<TopicPartition> revoked) {
                say("{\"event\":\"owns\",\"partitions\":[]}");
            }

            @Override
            public void onPartitionsAssigned(Collection<TopicPartition> assigned) {
                String numbers = consumer.assignment().stream()
                        .map(each -> Integer.toString(each.partition()))
                        .collect(Collectors.joining(","));
                say("{\"event\":\"owns\",\"partitions\":[" + numbers + "]}");
            }
        });
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    private void run() {
        while (true) {
            for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(50))) {
                say("{\"event\":\"record\",\"partition\":" + record.partition() + ",\"offset\":"
                        + record.offset() + ",\"value\":\"" + record.value() + "\"}");
            }
            String command = commands.poll();
            if ("commit".equals(command)) {
                commit();
            } else if ("leave".equals(command)) {
                consumer.close();
                say("{\"event\":\"left\"}");
                return;
            }
        }
    }

    private void commit() {
        try {
            consumer.commitSync();
            say("{\"event\":\"committed\"}");
        } catch (CommitFailedException | RebalanceInProgressException refused) {
            say("{\"event\":\"refused\",\"message\":\"" + refused.getClass() + "\"}");
        }
    }

    private void listen() {
        try (BufferedReader input = new BufferedReader(
                new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            input.lines().forEach(commands::add);
        } catch (IOException closed) {
            say("{\"event\":\"error\",\"message\":\"" + closed.getMessage() + "\"}");
        }
        commands.add("leave");
    }

    public static void main(String[] arguments) {
        Map<String, String> given = new HashMap<>();
        for (String argument : arguments) {
            String[] pair = argument.split("=", 2);
            given.put(pair[0], pair[1]);
        }
        Member member = new Member(given);
        Thread listening = new Thread(member::listen);
        listening.setDaemon(true);
        listening.start();
        member.run();
    }
}
