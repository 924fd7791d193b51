import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;

/** {@code BOOTSTRAP GROUP INSTANCE…}: takes static members out of their group, as no tool can. */
final class RemoveMembers {
    private RemoveMembers() {
    }

    public static void main(String[] words) throws Exception {
        List<MemberToRemove> members = new ArrayList<>();
        for (int index = 2; index < words.length; index++) {
            members.add(new MemberToRemove(words[index]));
        }
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", words[0]))) {
            admin.removeMembersFromConsumerGroup(
                    words[1], new RemoveMembersFromConsumerGroupOptions(members)).all().get();
        }
    }
}
