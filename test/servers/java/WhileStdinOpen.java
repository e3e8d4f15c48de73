import java.util.Arrays;

/** Runs another class's main and ends when standard input does: a server must not outlive the tests, even if they are killed. */
public class WhileStdinOpen {
    public static void main(String[] args) throws Exception {
        Thread guard = new Thread(() -> {
            try {
                while (System.in.read() >= 0) {}
            } catch (java.io.IOException closed) {
                // Just as gone.
            }
            Runtime.getRuntime().halt(0);
        }, "stdin");
        guard.setDaemon(true);
        guard.start();
        Class.forName(args[0]).getMethod("main", String[].class)
            .invoke(null, (Object) Arrays.copyOfRange(args, 1, args.length));
        Thread.currentThread().join();
    }
}
