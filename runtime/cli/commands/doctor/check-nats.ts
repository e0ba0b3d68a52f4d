import { ConfigError } from '../../../../lib/errors';
import { natsServers } from '../../../../lib/plan/nats-access';
import { connectNats } from '../../../adapters/jetstream/access/connect-nats';
import { inspectNats, type NatsView } from '../../../adapters/jetstream/access/inspect-nats';
import { loginOf } from '../../../adapters/jetstream/access/nats-login';
import { inspectStoreClaim } from '../../../adapters/jetstream/flow-store/claim-store';
import { inspectDocuments } from '../../../adapters/jetstream/flow-store/flow-documents';
import type { StoredObjects } from '../../../adapters/jetstream/flow-store/sealed-objects';
import { DerivedKeys } from '../../../adapters/nats-accounts/derived-keys';
import { controllerIdentity } from '../../../adapters/nats-accounts/identities';
import { isLoopback } from '../../../controller/api/access/loopback';
import { natsExposure } from '../../../controller/settings/nats-exposure';
import type { ControllerSettings } from '../../../controller/settings/settings';
import type { InstallationKey } from '../../../installation/installation-key';
import { compareVersions } from '../../../servers/installed-server';
import { checkClaim } from './check-claim';
import { type Finding, failed, findingsOf, ok, warning } from './finding';
import { reach } from './reach';

const minVersion = '2.11';
const advice = 'check nats.url, nats.credentials and the server';

/** nats as the controller uses it: version, JetStream, TLS, who can read what, and the stored documents. */
export function checkNats(
  { nats: settings, temporal }: Pick<ControllerSettings, 'nats' | 'temporal'>,
  key: InstallationKey | undefined,
): Promise<readonly Finding[]> {
  return findingsOf('nats', remedyOf(settings.accounts.kind), async () => {
    await assertReachable(settings.url);
    const { connection, access } = await logIn(settings, key);
    try {
      const view = await inspectNats(connection, access);
      const isStored = key !== undefined && view.jetStream !== undefined;
      return [
        checkServer(settings.url, { ...view, way: loginOf(access).way }),
        checkTransport(settings.url, view),
        checkExposure(settings, view),
        ...(isStored ? await checkStored(connection, key, temporal) : []),
      ];
    } finally {
      await connection.close();
    }
  });
}

/** A login can be refused in operator mode to an installation key of another installation, too. */
function remedyOf(kind: ControllerSettings['nats']['accounts']['kind']): (error: Error) => string {
  return (error) => {
    const isRefused = error instanceof ConfigError && error.code === 'login-failed';
    if (!isRefused || kind === 'shared') return advice;
    return kind === 'operator'
      ? 'start a controller, which makes its account; if one has started, the installation key is not the one of this nats (kflow nats-config --operator)'
      : 'let nats-server include what kflow nats-config prints with this installation key';
  };
}

/** What controllers have stored: for which installation, and sealed with which keys. */
async function checkStored(
  connection: Awaited<ReturnType<typeof connectNats>>,
  key: InstallationKey,
  temporal: ControllerSettings['temporal'],
): Promise<readonly Finding[]> {
  const isClaimed = () => inspectStoreClaim(connection, { installation: key.installation, temporal });
  return [
    await checkClaim('nats claim', 'the account of the controller', isClaimed),
    checkDocuments(await inspectDocuments(connection, key)),
  ];
}

/** Logs in as the controller does. */
async function logIn(settings: ControllerSettings['nats'], key: InstallationKey | undefined) {
  const { kind } = settings.accounts;
  const made =
    kind === 'shared' || key === undefined ? {} : { identity: controllerIdentity(kind, new DerivedKeys(key)) };
  const access = { ...settings, ...made };
  return { connection: await connectNats(access, 'kflow doctor'), access };
}

/** A connect would be retried for a minute. */
async function assertReachable(url: string): Promise<void> {
  const probes = natsServers(url).map(reach);
  await Promise.any(probes).catch((error: AggregateError) => {
    throw error.errors[0];
  });
}

function checkServer(
  url: string,
  { version, way, account, user, jetStream }: NatsView & { readonly way: string },
): Finding {
  const who = [account === undefined ? '' : ` in the account ${account}`, user === undefined ? '' : ` as ${user}`];
  const found = `nats-server ${version} at ${url}, logged in with ${way}${who.join('')}`;
  if (compareVersions(version, minVersion) < 0)
    return failed('nats', found, `install nats-server ${minVersion} or newer`);
  if (jetStream === undefined) {
    return failed('nats', `${found}; no JetStream`, 'enable JetStream on the server and in this account');
  }
  const limit = jetStream.maxBytes < 0 ? 'no limit of the account' : `of ${mebibytes(jetStream.maxBytes)}`;
  return ok('nats', `${found}; JetStream has ${mebibytes(jetStream.storedBytes)}, ${limit}`);
}

function checkTransport(url: string, { isTls }: NatsView): Finding {
  if (isTls) return ok('nats TLS', 'connections are encrypted');
  if (natsServers(url).every(({ host }) => isLoopback(host)))
    return ok('nats TLS', 'no TLS; the server is on this machine');
  const remedy = 'enable TLS on the server, use tls:// in the URL, and put ca.crt into the credentials';
  return warning('nats TLS', 'no TLS: records and logins pass the network in plain text', remedy);
}

function checkExposure(settings: ControllerSettings['nats'], { isOpen }: NatsView): Finding {
  const { kind } = settings.accounts;
  const exposure = natsExposure({ isOpen: isOpen === true, isShared: kind === 'shared' });
  const remedy = 'set nats.accounts.kind to operator or config (docs/tenants.md)';
  const unknown = 'it is unknown whether nats asks for a login: it did not greet';
  if (exposure !== undefined) {
    return warning('nats accounts', isOpen === undefined ? `${exposure}; ${unknown}` : exposure, remedy);
  }
  if (isOpen === undefined) return warning('nats accounts', unknown, 'see that nats refuses clients without one');
  return ok('nats accounts', `an account for each namespace (nats.accounts.kind: ${kind})`);
}

function checkDocuments({ count, plain, unreadable }: StoredObjects): Finding {
  const what = 'stored documents';
  if (unreadable > 0) {
    const remedy = 'add the key that sealed them to the installation key, as another line';
    return failed(what, `${unreadable} of ${count} are sealed with a key that this installation does not have`, remedy);
  }
  if (plain > 0) {
    const remedy = 'start a controller of this version: it seals them';
    return warning(what, `${plain} of ${count} are in plain text, of an earlier version`, remedy);
  }
  return ok(what, `${count}, all sealed`);
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}
