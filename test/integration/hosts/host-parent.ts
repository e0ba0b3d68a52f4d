import type { Language } from '../../../lib/topology/document/language';
import { HostRun, numbered, recordOf } from '../../support/host-run';

/** A separate process that starts a record that never ends, and prints what its code logs first. */
async function main(): Promise<void> {
  const [, , language, code] = process.argv;
  const run = new HostRun({ language: language as Language, code });
  await run.host.open();
  run.host.process([recordOf(0, numbered, { n: 0 })]);
  await run.until(() => run.logs.length > 0);
  process.stdout.write(`${run.logs[0]?.[1]}\n`);
}

void main();
