import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import org.codelibs.opensearch.runner.OpenSearchRunner;
import org.opensearch.Version;

/** OpenSearch with its core modules, on one node. Takes settings like the official program: `-Ehttp.port=9200 -Epath.data=DIR`. */
public final class OpenSearch {
  public static void main(String[] args) throws Exception {
    if (args.length == 1 && args[0].equals("--version")) {
      System.out.println("OpenSearch " + Version.CURRENT);
      return;
    }
    Map<String, String> settings = new TreeMap<>();
    for (String arg : args) {
      int at = arg.indexOf('=');
      if (!arg.startsWith("-E") || at < 0) throw new IllegalArgumentException("want -Ekey=value, got " + arg);
      settings.put(arg.substring(2, at), arg.substring(at + 1));
    }
    String data = settings.remove("path.data");
    OpenSearchRunner runner = new OpenSearchRunner();
    runner.setMaxHttpPort(65535);
    runner.onBuild((number, builder) -> settings.forEach(builder::put));
    Runtime.getRuntime().addShutdownHook(new Thread(() -> close(runner)));
    runner.build(OpenSearchRunner.newConfigs().basePath(data).numOfNode(1).useLogger());
    new CountDownLatch(1).await();
  }

  private static void close(OpenSearchRunner runner) {
    try {
      runner.close();
    } catch (Exception error) {
      System.err.println(error);
    }
  }
}
