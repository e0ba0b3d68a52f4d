import { readFileSync } from 'node:fs';
import type { NatsConnection } from 'nats';
import { ConfigError } from '../../lib/errors';
import { connectNats } from '../adapters/jetstream/access/connect-nats';
import type { MadeAccess } from '../adapters/jetstream/access/nats-login';
import { JetStreamStreams } from '../adapters/jetstream/jetstream-streams';
import { ReplicaReports } from '../adapters/jetstream/replica-reports';
import { ConfigAccounts } from '../adapters/nats-accounts/config-accounts';
import { DerivedKeys, type KeySource } from '../adapters/nats-accounts/derived-keys';
import { NamespaceLinks } from '../adapters/nats-accounts/namespace-links';
import { NamespaceReports, NamespaceStreams } from '../adapters/nats-accounts/namespace-streams';
import type { NatsAccounts } from '../adapters/nats-accounts/nats-accounts';
import { Nkey } from '../adapters/nats-accounts/nkey';
import { OperatorAccounts } from '../adapters/nats-accounts/operator-accounts';
import type { Log } from '../log';
import type { FlowStatusesProps } from './flows/service/flow-statuses';
import { type FlowLogins, sharedLogin } from './ports/flow-logins';
import type { Streams } from './ports/streams';
import { natsExposure } from './settings/nats-exposure';
import type { ControllerSettings } from './settings/settings';

const maxRenewalCheckMs = 60_000;

/** The nats of a controller, behind its ports. */
export interface ControllerNats {
  /** Where documents, records and events are. */
  readonly connection: NatsConnection;
  readonly streams: Streams;
  readonly reports: FlowStatusesProps['reports'];
  readonly logins: FlowLogins;
  /** How often to check which logins are due. */
  readonly renewalCheckMs: number;
  close(): Promise<void>;
}

/**
 * Connects to nats as `nats.accounts` says: with one login for everything, or with an account for each namespace. Throws
 * ConfigError or StoreError that names the server.
 */
export async function openNats(
  settings: ControllerSettings['nats'],
  key: KeySource,
  log: Log,
): Promise<ControllerNats> {
  if (settings.accounts.kind === 'shared') return openShared(settings, log);
  const accounts = await openAccounts(settings, settings.accounts, { key, log });
  const links = new NamespaceLinks((namespace) => accounts.connect(namespace));
  return {
    connection: accounts.connection,
    streams: new NamespaceStreams(links),
    reports: new NamespaceReports(links),
    logins: accounts,
    renewalCheckMs: renewalCheckOf(settings.accounts),
    close: async () => {
      await links.close();
      await accounts.close();
    },
  };
}

/** A login is renewed after half of its life. */
function renewalCheckOf(accounts: ControllerSettings['nats']['accounts']): number {
  return accounts.kind === 'operator' ? Math.min(maxRenewalCheckMs, accounts.loginHours * 180_000) : maxRenewalCheckMs;
}

async function openShared(settings: ControllerSettings['nats'], log: Log): Promise<ControllerNats> {
  const connection = await connectNats(settings, 'kflow controller', (text) => log('WARNING', text));
  const exposure = natsExposure({ isOpen: connection.info?.auth_required !== true, isShared: true });
  if (exposure !== undefined) log('WARNING', `${exposure} (docs/controller.md, Who can read what)`);
  const reports = new ReplicaReports(connection);
  return {
    connection,
    streams: await JetStreamStreams.open(connection),
    reports,
    logins: sharedLogin,
    renewalCheckMs: maxRenewalCheckMs,
    close: async () => {
      reports.close();
      await connection.close();
    },
  };
}

async function openAccounts(
  settings: ControllerSettings['nats'],
  accounts: Exclude<ControllerSettings['nats']['accounts'], { readonly kind: 'shared' }>,
  { key, log }: { readonly key: KeySource; readonly log: Log },
): Promise<NatsAccounts> {
  const props = {
    access: settings,
    keys: new DerivedKeys(key),
    onTrouble: (text: string) => log('WARNING', text),
  };
  if (accounts.kind === 'config') return ConfigAccounts.open(props);
  const { operatorKeyFile, systemCredentials, limits, loginHours } = accounts;
  return OperatorAccounts.open({
    ...props,
    ...(operatorKeyFile === undefined ? {} : { operator: readOperator(operatorKeyFile) }),
    ...(systemCredentials === undefined ? {} : { system: systemAccess(settings, systemCredentials) }),
    limits,
    lifetimeSeconds: Math.ceil(loginHours * 3_600),
    replicas: settings.replicas ?? 1,
  });
}

/** The certificates are those of the controller's own access, unless the folder has some. */
function systemAccess({ url, credentials }: ControllerSettings['nats'], folder: string): MadeAccess {
  return { url, credentials: folder, ...(credentials === undefined ? {} : { certificates: credentials }) };
}

function readOperator(file: string): Nkey {
  let seed: string;
  try {
    seed = readFileSync(file, 'utf8');
  } catch (cause) {
    const message = `${file}: cannot read the key of the operator: ${(cause as NodeJS.ErrnoException).code}`;
    throw new ConfigError('config-invalid', message, { where: file });
  }
  return Nkey.parse('operator', seed, file);
}
