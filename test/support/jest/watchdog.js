/**
 * Runs beside a process that runs tests, outside its process group, and reads JSON lines from it:
 *
 *   { "home": "/tmp/kft-…" }                      a test file begins, in this folder
 *   { "step": "file › test", "limitMs": 180000 }  a test or a hook begins, and ends within the limit
 *   { "removed": "/tmp/kft-…" }                   the test file has ended and its folder is gone
 *
 * I1. The input ends when that process ends, for whatever reason. Then all processes of its test files are killed and
 *     their folders are removed.
 * I2. The process is killed when a step outlasts its limit: jest's own timeout cannot end a blocked event loop.
 */
const { createInterface } = require('node:readline');
const { removeTestHome } = require('./test-home');

const [, , guardedPid] = process.argv;
const homes = new Set();
let timer;

/** Ctrl-C and a closed terminal end the tests; the watchdog outlives them. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);

const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  const { home, step, limitMs, removed } = messageOf(line);
  clearTimeout(timer);
  homes.delete(removed);
  if (home !== undefined) homes.add(home);
  if (step !== undefined) timer = setTimeout(() => killGuarded(step, limitMs), limitMs);
});
input.on('close', async () => {
  clearTimeout(timer);
  for (const home of homes) await removeTestHome(home);
});

/** A process that is killed while it writes leaves half a line, which is the last one. */
function messageOf(line) {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}

function killGuarded(step, limitMs) {
  process.stderr.write(`\n${step}: still running after ${limitMs / 1000} s; killing process ${guardedPid}\n`);
  process.kill(Number(guardedPid), 'SIGKILL');
}
