import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ConfigError } from '../../../../lib/errors';
import type { NatsAccess } from '../../../../lib/plan/nats-access';
import { DerivedKeys } from '../../../adapters/nats-accounts/derived-keys';
import { OperatorAccounts } from '../../../adapters/nats-accounts/operator-accounts';
import type { FlowKey } from '../../../api-contract/flow-key';
import { readKeyFile } from '../../../installation/key-file';
import { type FoundStack, findStack } from '../../local-stack/find-stack';

/** A worker that runs for longer than this has to be started again. */
const lifetimeSeconds = 30 * 86_400;

/** As the command line has it. */
export interface NatsChoice {
  readonly natsUrl: string | undefined;
  readonly natsCredentials: string | undefined;
  readonly natsDomain: string | undefined;
}

export interface StackLogin {
  readonly access: NatsAccess;
  /** Removes the files of the login. */
  close(): void;
}

/**
 * Where the tasks come from. Throws ConfigError when no NATS is known. In a stack, the worker has a login of its own: that of a
 * deployed worker of the same name ends with the worker.
 */
export async function loginOf(
  { natsUrl, natsCredentials, natsDomain }: NatsChoice,
  { namespace, jobId }: FlowKey,
): Promise<StackLogin> {
  const url = natsUrl ?? process.env.KFLOW_NATS_URL;
  if (url === undefined) {
    const stack = await runningStack('start one with kflow up, or use --nats-url');
    const folder = mkdtempSync(path.join(tmpdir(), 'kflow-login-'));
    const close = () => rmSync(folder, { recursive: true, force: true });
    const access = await writeStackLogin(stack, { namespace, jobId: `${jobId}-${process.pid}` }, folder);
    return { access, close };
  }
  const credentials = natsCredentials ?? process.env.KFLOW_NATS_CREDENTIALS;
  const domain = natsDomain ?? process.env.KFLOW_NATS_DOMAIN;
  const access = { url, ...(credentials ? { credentials } : {}), ...(domain ? { domain } : {}) };
  return { access, close: () => undefined };
}

/** The stack of this folder or of one above. Throws ConfigError, with what to do, when none runs. */
export async function runningStack(todo: string): Promise<FoundStack> {
  const stack = await findStack(process.cwd());
  if (stack !== undefined) return stack;
  throw new ConfigError('config-invalid', `no stack of kflow up runs in this folder or above; ${todo}`);
}

/** Logs in at the nats of a stack, as its owner may: in the account of the namespace, under the name of the flow. */
export async function writeStackLogin(
  { nats: url, directory }: FoundStack,
  flow: FlowKey,
  folder: string,
): Promise<NatsAccess> {
  const accounts = await OperatorAccounts.open({
    access: { url },
    keys: new DerivedKeys(readKeyFile(directory.keyFile)),
    listener: {},
    lifetimeSeconds,
    replicas: 1,
  });
  try {
    await (await accounts.connect(flow.namespace)).close(); // makes the account
    const files = await accounts.issue(flow);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text, { mode: 0o600 });
    return { url, credentials: folder };
  } finally {
    await accounts.close();
  }
}
