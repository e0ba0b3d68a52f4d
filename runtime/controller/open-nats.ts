import { readFileSync } from 'node:fs';
import type { NatsConnection } from 'nats';
import { ConfigError } from '../../lib/errors';
import { connectNats, openOver } from '../adapters/jetstream/access/connect-nats';
import { isOpen } from '../adapters/jetstream/access/inspect-nats';
import { JetStreamStreams } from '../adapters/jetstream/jetstream-streams';
import { JetStreamLetters } from '../adapters/jetstream/letters/jetstream-letters';
import { ReplicaReports } from '../adapters/jetstream/replica-reports';
import { JetStreamSharedValues } from '../adapters/jetstream/tasks/jetstream-shared-values';
import { JetStreamTaskBus, type TaskBusProps } from '../adapters/jetstream/tasks/jetstream-task-bus';
import { JetStreamTaskEvents } from '../adapters/jetstream/tasks/jetstream-task-events';
import { JetStreamTaskValues } from '../adapters/jetstream/tasks/jetstream-task-values';
import type { UseConnection } from '../adapters/jetstream/tasks/namespace-parts';
import { ConfigAccounts } from '../adapters/nats-accounts/config-accounts';
import { DerivedKeys, type KeySource } from '../adapters/nats-accounts/derived-keys';
import { NamespaceLetters } from '../adapters/nats-accounts/namespace-letters';
import { NamespaceLinks } from '../adapters/nats-accounts/namespace-links';
import { NamespaceReports, NamespaceStreams } from '../adapters/nats-accounts/namespace-streams';
import type { AccountsProps, NatsAccounts } from '../adapters/nats-accounts/nats-accounts';
import { Nkey } from '../adapters/nats-accounts/nkey';
import { OperatorAccounts } from '../adapters/nats-accounts/operator-accounts';
import type { Log } from '../log';
import type { AccessReports } from './access-guard';
import type { TaskPorts } from './executions/open-executions';
import type { FlowStatusesProps } from './flows/service/flow-statuses';
import type { LoginRenewalProps } from './flows/service/login-renewal';
import { type FlowLogins, sharedLogin } from './ports/flow-logins';
import type { Letters } from './ports/letters';
import type { Streams } from './ports/streams';
import { natsExposure } from './settings/nats-exposure';
import type { ControllerSettings } from './settings/settings';

const maxRenewalCheckMs = 60_000;

/** Who is told about the connections to nats. */
export interface NatsReports {
  readonly log: Log;
  /** Whether nats accepts the login of the controller. */
  readonly login: AccessReports;
}

/** The nats of a controller, behind its ports. */
export interface ControllerNats {
  /** Where documents, records and events are. */
  readonly connection: NatsConnection;
  readonly streams: Streams;
  readonly letters: Letters;
  readonly reports: FlowStatusesProps['reports'];
  readonly logins: FlowLogins;
  readonly tasks: TaskPorts;
  /** Absent if logins do not expire. */
  readonly renewal?: Pick<LoginRenewalProps, 'logins' | 'everyMs'>;
  close(): Promise<void>;
}

/**
 * Connects to nats as `nats.accounts` says: with one login for everything, or with an account for each namespace. Throws
 * ConfigError or StoreError that names the server.
 */
export async function openNats(
  settings: ControllerSettings['nats'],
  key: KeySource,
  reports: NatsReports,
): Promise<ControllerNats> {
  const { accounts } = settings;
  const warn = (text: string) => reports.log('WARNING', text);
  const access = { access: settings, listener: { ...reports.login, trouble: warn, absent: warn } };
  const replicas = settings.replicas ?? 1;
  const tasksOver = (use: UseConnection) => openTasks({ use, replicas, onWarning: warn });
  if (accounts.kind === 'shared') return openShared(access, tasksOver, reports.log);
  const props = { ...access, keys: new DerivedKeys(key) };
  if (accounts.kind === 'config') return overAccounts(await ConfigAccounts.open(props), tasksOver);
  const { operatorKeyFile, systemCredentials, limits, loginHours } = accounts;
  const { url, credentials: certificates } = settings;
  const opened = await OperatorAccounts.open({
    ...props,
    ...(operatorKeyFile === undefined ? {} : { operator: readOperator(operatorKeyFile) }),
    // the certificates are those of the controller's own access, unless the folder has some
    ...(systemCredentials === undefined ? {} : { system: { url, credentials: systemCredentials, certificates } }),
    limits,
    lifetimeSeconds: Math.ceil(loginHours * 3_600),
    replicas,
  });
  // a login is renewed after half of its life
  const everyMs = Math.min(maxRenewalCheckMs, loginHours * 180_000);
  return { ...overAccounts(opened, tasksOver), renewal: { logins: opened, everyMs } };
}

type ClosingTasks = TaskPorts & { close(): Promise<void> };

function openTasks(props: TaskBusProps): ClosingTasks {
  const bus = new JetStreamTaskBus(props);
  const events = new JetStreamTaskEvents(props);
  const close = async () => {
    events.close();
    await bus.close();
  };
  return { bus, events, shared: new JetStreamSharedValues(props), values: new JetStreamTaskValues(props), close };
}

/** With an account for each namespace. */
function overAccounts(accounts: NatsAccounts, tasksOver: (use: UseConnection) => ClosingTasks): ControllerNats {
  const links = new NamespaceLinks((namespace) => accounts.connect(namespace));
  const tasks = tasksOver((namespace, work) => links.use(namespace, ({ connection }) => work(connection)));
  return {
    connection: accounts.connection,
    streams: new NamespaceStreams(links),
    letters: new NamespaceLetters(links),
    reports: new NamespaceReports(links),
    logins: accounts,
    tasks,
    close: async () => {
      await tasks.close();
      await links.close();
      await accounts.close();
    },
  };
}

async function openShared(
  { access, listener }: Omit<AccountsProps, 'keys'>,
  tasksOver: (use: UseConnection) => ClosingTasks,
  log: Log,
): Promise<ControllerNats> {
  const connection = await connectNats(access, 'kflow controller', listener);
  void warnOfExposure(connection, access, log);
  const [streams, letters] = await openOver(connection, () =>
    Promise.all([JetStreamStreams.open(connection), JetStreamLetters.open(connection)]),
  );
  const reports = new ReplicaReports(connection);
  const tasks = tasksOver((_namespace, work) => work(connection));
  return {
    connection,
    streams,
    letters,
    reports,
    logins: sharedLogin,
    tasks,
    close: async () => {
      await tasks.close();
      reports.close();
      await connection.close();
    },
  };
}

/** A look at the server neither delays the start nor fails it: a server behind WebSocket does not greet, for example. */
async function warnOfExposure(connection: NatsConnection, access: AccountsProps['access'], log: Log): Promise<void> {
  const open = await isOpen(connection, access).catch((error: Error) => {
    log('WARNING', `it is unknown whether nats asks for a login: ${error.message}`);
    return false;
  });
  const exposure = natsExposure({ isOpen: open, isShared: true });
  if (exposure !== undefined) log('WARNING', `${exposure} (docs/controller.md, Who can read what)`);
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
