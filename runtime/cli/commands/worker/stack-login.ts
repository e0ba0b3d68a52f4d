import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
    const stack = await findStack(process.cwd());
    if (stack !== undefined) return loginAtStack(stack, { namespace, jobId: `${jobId}-${process.pid}` });
    const todo = 'start one with kflow up, or use --nats-url';
    throw new ConfigError('config-invalid', `no stack of kflow up runs in this folder or above; ${todo}`);
  }
  const credentials = natsCredentials ?? process.env.KFLOW_NATS_CREDENTIALS;
  const domain = natsDomain ?? process.env.KFLOW_NATS_DOMAIN;
  const access = { url, ...(credentials ? { credentials } : {}), ...(domain ? { domain } : {}) };
  return { access, close: () => undefined };
}

/** Logs in at the nats of a stack, as its owner may: in the account of the namespace, under the name of the flow. */
async function loginAtStack({ nats: url, directory }: FoundStack, flow: FlowKey): Promise<StackLogin> {
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
    const folder = mkdtempSync(path.join(tmpdir(), 'kflow-login-'));
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text, { mode: 0o600 });
    return { access: { url, credentials: folder }, close: () => rmSync(folder, { recursive: true, force: true }) };
  } finally {
    await accounts.close();
  }
}
