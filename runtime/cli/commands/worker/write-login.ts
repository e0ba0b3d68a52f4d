import path from 'node:path';
import { dnsLabel } from '../../../../lib/topology/document/dns-label';
import { ExitStatus, usageError } from '../../frame/exit-status';
import { runningStack, writeStackLogin } from './stack-login';

/** Writes a login into the folder of the stack, and prints the variables that lead to it. */
export async function writeLogin(name: string, namespace: string): Promise<ExitStatus> {
  if (!dnsLabel.test(name)) throw usageError(`name: want lower-case letters, digits and dashes, got "${name}"`);
  const stack = await runningStack('start one with kflow up');
  const folder = path.join(stack.directory.logins, namespace, name);
  // no flow has two dashes in its name
  const { url } = await writeStackLogin(stack, { namespace, jobId: `login--${name}` }, folder);
  const variables = { KFLOW_NATS_URL: url, KFLOW_NATS_CREDENTIALS: folder, KFLOW_NAMESPACE: namespace };
  for (const [variable, value] of Object.entries(variables))
    process.stdout.write(`export ${variable}=${quoted(value)}\n`);
  return ExitStatus.Done;
}

/** For a shell. */
function quoted(text: string): string {
  return /^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
