import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DerivedKeys } from '../../../runtime/adapters/nats-accounts/derived-keys';
import { operatorConfig } from '../../../runtime/adapters/nats-accounts/server-config';
import { InstallationKey, newInstallationKey } from '../../../runtime/installation/installation-key';
import { type NatsServer, startNatsServer } from '../../../runtime/servers/nats-server';
import { attacks } from '../../support/attacks/attack-table';
import { servicesFor } from '../cluster/known-services';
import { hostAddress } from '../cluster/network';
import { type ControllerProps, InstalledController } from '../stage/controller';
import { eventually } from '../stage/eventually';
import { ControlledRun } from '../stage/flow-run';
import { apply, kubectl, makeNamespace, openStore, readNode } from '../stage/node';
import { ownerOf } from '../stage/number-document';
import type { Loot } from './attack';

const folder = mkdtempSync(path.join(tmpdir(), 'kflow-hostile-'));
const store = openStore();
const servers: NatsServer[] = [];
afterAll(async () => {
  for (const server of servers) await server.stop();
  await store.close();
  rmSync(folder, { recursive: true });
});

/** A flow whose code attacks the flow of numbers in another namespace. */
class HostileFlow {
  readonly namespace: string;

  constructor(
    private readonly controller: InstalledController,
    private readonly victim: string,
  ) {
    this.namespace = `mallory-${victim}`;
  }

  /** What each attack has read. */
  async run(): Promise<Loot[]> {
    const { namespace } = this;
    await makeNamespace(namespace);
    const file = path.join(folder, `${namespace}.json`);
    writeFileSync(file, JSON.stringify(this.document()));
    await this.controller.kflow('submit', file);
    const keys = await eventually(
      `the attacks of ${namespace}`,
      () => this.keys(),
      ({ length }) => length >= attacks.length,
    );
    const objects = await Promise.all(keys.map((key) => store.get(namespace, key)));
    return objects.map((object) => JSON.parse(Buffer.from(object).toString()));
  }

  async close(): Promise<void> {
    await kubectl(['delete', 'namespace', this.namespace, '--wait=false']);
  }

  private document(): object {
    const { user, password } = readNode().s3;
    const fields = ['title', 'loot'].map((name) => ({ name, type: 'string' }));
    const module = path.relative(folder, path.join(__dirname, 'attack.ts'));
    const container = { env: [{ name: 'VICTIM', value: this.victim }] };
    return {
      jobId: 'hostile',
      namespace: this.namespace,
      mode: 'stream',
      globalConfig: { store: { addr: 'minio.default.svc:9000', user, password } },
      dag: [
        {
          id: 'source',
          type: 'raw-source',
          schema: { type: 'record', name: 'loot', fields },
          meta: { name: 'attack', language: 'typescript', module, container },
          out: ['sink'],
        },
        { id: 'sink', type: 's3-sink', topics: `s3a://${this.namespace}` },
      ],
    };
  }

  private async keys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of store.list(this.namespace)) keys.push(key);
    return keys;
  }
}

/** What these attacks hear may be the attacker's own. */
const listens = /^(subscribes|stores)/;

/** A nats and a controller of their own, with a flow of numbers and a hostile flow beside it. */
async function attacked(
  name: string,
  accounts: 'operator' | undefined,
): Promise<{ titles: string[]; victim: ControlledRun }> {
  const keys = newInstallationKey();
  const [namespace, victimNamespace] = [`kflow-${name}`, `victim-${name}`];
  const derived = new DerivedKeys(InstallationKey.parse(keys, 'test'));
  const config = accounts === undefined ? [] : operatorConfig(derived, path.join(folder, 'accounts'));
  const at = { dataDir: path.join(folder, name), logFile: path.join(folder, `${name}.log`) };
  const nats = await startNatsServer({ ...at, host: hostAddress, config });
  servers.push(nats);
  await apply(servicesFor([{ namespace: `nats-${name}`, name: 'nats', port: 4222, address: nats.url }]));
  for (const each of [namespace, victimNamespace, `mallory-${victimNamespace}`]) await makeNamespace(each);
  const metadata = { name: 'kflow-key', namespace };
  await apply([{ apiVersion: 'v1', kind: 'Secret', metadata, stringData: { key: keys } }]);
  const props: ControllerProps = {
    namespace,
    natsUrl: `nats://nats.nats-${name}.svc:4222`,
    options: [
      ...(accounts === undefined ? [] : ['--nats-accounts', accounts]),
      ...['--key-secret', 'kflow-key', '--watch-namespaces', `${victimNamespace},mallory-${victimNamespace}`],
    ],
    settings: {},
  };
  const controller = await InstalledController.open(props);
  const victim = new ControlledRun({ namespace: victimNamespace, mode: 'stream', count: 1_200, rate: 20 }, controller);
  await victim.start();
  await eventually(
    'the victim stores records',
    () => victim.stored(),
    (stored) => stored > 20,
  );
  const hostile = new HostileFlow(controller, victimNamespace);
  try {
    const loot = await hostile.run();
    expect(loot.map(({ title }) => title).sort()).toEqual(attacks.map(({ title }) => title).sort());
    const isLoot = ({ title, loot }: Loot) =>
      listens.test(title) ? loot.includes(ownerOf(victimNamespace)) : loot !== '';
    return { titles: loot.filter(isLoot).map(({ title }) => title), victim };
  } finally {
    await hostile.close();
  }
}

test('a hostile pod reads the flow of another namespace where nats has no accounts', async () => {
  const { titles, victim } = await attacked('open', undefined);
  await victim.close();
  expect(titles.length).toBeGreaterThan(5);
});

test('a hostile pod gets nothing of another namespace where the controller makes an account for each', async () => {
  const { titles, victim } = await attacked('apart', 'operator');
  const { count } = victim.flow;
  await eventually(
    'the victim stores all records',
    () => victim.stored(),
    (stored) => stored >= count,
  );
  expect(await victim.numbers()).toEqual(Array.from({ length: count }, (_, index) => index));
  await victim.close();
  expect(titles).toEqual([]);
});
