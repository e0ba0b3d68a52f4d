/** What the code of one function does with the poisoned record, and the error that the record's letter names. */
export interface Poison {
  readonly language: 'python' | 'typescript';
  /** Statements in the body of a function with the argument `event`; each is a line. */
  readonly code: readonly string[];
  readonly error: RegExp;
}

const python = (error: RegExp, ...code: string[]): Poison => ({ language: 'python', code, error });
const typescript = (error: RegExp, ...code: string[]): Poison => ({ language: 'typescript', code, error });

const timedOut = /^timed out: no result and no heartbeat within max\.poll\.interval\.ms/;
const replicaEnded = /^crashed: the replica ended 2 times while it processed this record alone$/;
const cut = /^\w+: x{900,}… \(\d+ characters in all\)$/;
const tooLarge = /^FunctionError: output is \d+ bytes, limit is/;

/** The ways in which a record harms what processes it, by the id of the function that has the code. */
export const poisons: { readonly [id: string]: Poison } = {
  'py-raises': python(/^ValueError: no$/, 'raise ValueError("no")'),
  'py-long-error': python(cut, 'raise ValueError("x" * 2_000_000)'),
  'py-exit-0': python(/^(exited|SystemExit): /, 'import sys', 'sys.exit(0)'),
  'py-os-exit-3': python(/^exited: Python exited with code 3/, 'import os', 'os._exit(3)'),
  'py-sigkill': python(/^crashed: Python was killed by SIGKILL/, 'import os', 'os.kill(os.getpid(), 9)'),
  'py-sigstop': python(timedOut, 'import os', 'os.kill(os.getpid(), 19)'),
  'py-segfault': python(/^crashed: Python was killed by SIGSEGV/, 'import ctypes', 'ctypes.string_at(0)'),
  'py-kills-replica': python(replicaEnded, 'import os, time', 'os.kill(os.getppid(), 9)', 'time.sleep(60)'),
  'py-loop': python(timedOut, 'while True: pass'),
  'py-endless': python(
    timedOut,
    'import time',
    'return (time.sleep(0.01) or {"n": 17, "text": "endless"} for _ in iter(int, 1))',
  ),
  'py-large': python(tooLarge, 'return {"n": 17, "text": "x" * 3_000_000}'),
  'py-memory': python(
    /^MemoryError/,
    'import resource',
    'resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))',
    'bytearray(2**31)',
  ),
  'py-descriptors': python(
    /^(crashed|timed out): /,
    'import os, time',
    'for fd in range(3, 64):',
    '    try: os.write(fd, b"garbage" * 1000)',
    '    except OSError: pass',
    'time.sleep(60)',
  ),

  'ts-throws': typescript(/^RangeError: no$/, 'throw new RangeError("no");'),
  'ts-long-error': typescript(cut, 'throw new Error("x".repeat(2_000_000));'),
  'ts-exit-0': typescript(/^exited: /, 'process.exit(0);'),
  'ts-exit-3': typescript(/^exited: /, 'process.exit(3);'),
  'ts-sigkill': typescript(/^crashed: /, 'process.kill(process.pid, "SIGKILL");'),
  'ts-kills-replica': typescript(replicaEnded, 'process.kill(process.ppid, "SIGKILL");', 'for (;;);'),
  'ts-loop': typescript(timedOut, 'for (;;);'),
  'ts-never': typescript(timedOut, 'return new Promise(() => undefined);'),
  'ts-thenable': typescript(/./, 'return { then() {} };'),
  'ts-rejection': typescript(/forgotten/, 'Promise.reject(new Error("forgotten"));'),
  'ts-late-throw': typescript(
    /late/,
    'setTimeout(() => { throw new Error("late"); }, 0);',
    'return new Promise((done) => setTimeout(done, 60_000));',
  ),
  'ts-endless': typescript(
    timedOut,
    'const wait = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);',
    'return (function* () { for (;;) { wait(); yield { n: 17, text: "endless" }; } })();',
  ),
  'ts-spoils-process': typescript(/^Error: spoiled$/, '(Object as any).keys = null;', 'throw new Error("spoiled");'),
  'ts-large': typescript(tooLarge, 'return { n: 17, text: "x".repeat(3_000_000) };'),
  'ts-memory': typescript(
    /^(crashed|exited): /,
    'const all = [];',
    'for (;;) all.push(new Array(100_000).fill(all.length));',
  ),
  'ts-descriptors': typescript(
    /^(crashed|timed out): /,
    'const fs = require("fs");',
    'for (let fd = 3; fd < 64; fd++) try { fs.writeSync(fd, "garbage".repeat(1000)); } catch {}',
    'for (;;);',
  ),
};
