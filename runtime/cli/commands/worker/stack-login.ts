import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NatsAccess } from '../../../../lib/plan/nats-access';
import { DerivedKeys } from '../../../adapters/nats-accounts/derived-keys';
import { OperatorAccounts } from '../../../adapters/nats-accounts/operator-accounts';
import type { FlowKey } from '../../../api-contract/flow-key';
import { readKeyFile } from '../../../installation/key-file';
import type { FoundStack } from '../../local-stack/find-stack';

/** A worker that runs for longer than this has to be started again. */
const lifetimeSeconds = 30 * 86_400;

export interface StackLogin {
  readonly access: NatsAccess;
  /** Removes the files of the login. */
  close(): void;
}

/** Logs in at the nats of a stack, as its owner may: in the account of the namespace, under the name of the flow. */
export async function loginAtStack({ nats: url, directory }: FoundStack, flow: FlowKey): Promise<StackLogin> {
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
