import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.kafka.common.utils.Exit;

/**
 * Kafka's tools many times in one JVM: each line of standard input holds a class and its arguments,
 * separated by tabs; what it prints comes back, followed by a line with a form feed and the exit
 * code.
 */
final class ToolHost {
    private static int status;
    private static boolean ended;

    private ToolHost() {
    }

    public static void main(String[] none) throws Exception {
        PrintStream answers = System.out;
        Exit.setExitProcedure(ToolHost::end);
        Exit.setHaltProcedure(ToolHost::end);
        BufferedReader lines = new BufferedReader(
                new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            ByteArrayOutputStream printed = new ByteArrayOutputStream();
            PrintStream caught = new PrintStream(printed, true, StandardCharsets.UTF_8);
            System.setOut(caught);
            System.setErr(caught);
            String[] words = line.split("\t", -1);
            run(words[0], Arrays.copyOfRange(words, 1, words.length));
            caught.flush();
            String all = printed.toString(StandardCharsets.UTF_8);
            answers.print(all.isEmpty() || all.endsWith("\n") ? all : all + "\n");
            answers.print("\f" + status + "\n");
            answers.flush();
        }
    }

    private static void run(String name, String[] arguments) throws Exception {
        status = 0;
        ended = false;
        Method method = Class.forName(name).getDeclaredMethod("main", String[].class);
        method.setAccessible(true);
        try {
            method.invoke(null, (Object) arguments);
        } catch (InvocationTargetException wrapped) {
            if (!ended) {
                status = 1;
                wrapped.getCause().printStackTrace();
            }
        }
    }

    /** A process would be no more: what is said from here on nobody hears. */
    private static void end(int code, String message) {
        if (!ended) {
            ended = true;
            status = code;
            PrintStream nobody = new PrintStream(OutputStream.nullOutputStream());
            System.setOut(nobody);
            System.setErr(nobody);
        }
        throw new IllegalStateException("the tool has ended");
    }
}
