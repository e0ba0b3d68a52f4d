/** `at name (file:12:7)`, `at file:12:7`: a frame of JavaScript. */
const scriptFrame = /^\s*at (?:async )?(?:(?<name>[^(]+?) \()?(?<file>[^()]+?):(?<line>\d+):\d+\)?$/;
/** `File "file", line 12, in name`: a frame of Python. */
const pythonFrame = /^\s*File "(?<file>[^"]+)", line (?<line>\d+)(?:, in (?<name>.+))?$/;

const maxLength = 200;

/**
 * Where user code raised an error, as `name (file:12)`: the innermost frame of a traceback, which is the last line of Python's
 * and the first one of JavaScript's. Undefined without a frame.
 */
export function placeOf(trace: string | undefined): string | undefined {
  if (trace === undefined) return undefined;
  const lines = trace.split('\n');
  const python = lines.findLast((line) => pythonFrame.test(line));
  const frame =
    python === undefined ? lines.map((line) => scriptFrame.exec(line)).find(Boolean) : pythonFrame.exec(python);
  const { file, line, name } = frame?.groups ?? {};
  if (file === undefined) return undefined;
  const short = file.split('/').at(-1);
  return (name === undefined ? `${short}:${line}` : `${name} (${short}:${line})`).slice(0, maxLength);
}
