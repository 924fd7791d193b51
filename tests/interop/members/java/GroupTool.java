import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.tools.consumer.group.ConsumerGroupCommand;

/**
 * kafka-consumer-groups many times in one JVM: each line of standard input holds its arguments,
 * separated by tabs; what it prints comes back, followed by a line with a form feed.
 *
 * <p>One more command, which the tool lacks: {@code remove BOOTSTRAP GROUP INSTANCE…} takes static
 * members out of their group.
 */
final class GroupTool {
    private GroupTool() {
    }

    public static void main(String[] none) throws Exception {
        PrintStream answers = System.out;
        BufferedReader lines = new BufferedReader(
                new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            ByteArrayOutputStream printed = new ByteArrayOutputStream();
            PrintStream caught = new PrintStream(printed, true, StandardCharsets.UTF_8);
            System.setOut(caught);
            System.setErr(caught);
            run(line.split("\t"));
            caught.flush();
            answers.write(printed.toByteArray());
            answers.print("\f\n");
            answers.flush();
        }
    }

    private static void run(String[] arguments) throws Exception {
        if (arguments[0].equals("remove")) {
            List<MemberToRemove> members = new ArrayList<>();
            for (int index = 3; index < arguments.length; index++) {
                members.add(new MemberToRemove(arguments[index]));
            }
            try (Admin admin = Admin.create(Map.of("bootstrap.servers", arguments[1]))) {
                admin.removeMembersFromConsumerGroup(
                        arguments[2], new RemoveMembersFromConsumerGroupOptions(members)).all().get();
            }
        } else {
            ConsumerGroupCommand.main(arguments);
        }
    }
}
