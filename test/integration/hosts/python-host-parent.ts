import { HostRun, numbered, recordOf } from '../../support/host-run';

/** A separate process that starts a record that never ends, and prints the process id of its Python. */
async function main(): Promise<void> {
  const run = new HostRun({ code: process.argv[2] });
  await run.host.open();
  run.host.process([recordOf(0, numbered, { n: 0 })]);
  await run.until(() => run.logs.length > 0);
  process.stdout.write(`${run.logs[0]?.[1]}\n`);
}

void main();
