import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectNats } from '../../../runtime/adapters/jetstream/access/connect-nats';
import { ConfigAccounts } from '../../../runtime/adapters/nats-accounts/config-accounts';
import { DerivedKeys } from '../../../runtime/adapters/nats-accounts/derived-keys';
import { OperatorAccounts } from '../../../runtime/adapters/nats-accounts/operator-accounts';
import { InstallationKey, newInstallationKey } from '../../../runtime/installation/installation-key';
import { forged, targetOf } from '../../support/attacks/attack';
import { attacks } from '../../support/attacks/attack-table';
import type { Loot } from '../../support/attacks/hostile-function';
import { Victim, type VictimLogins } from '../../support/attacks/victim';
import { closeAfterFile } from '../../support/close-after-file';
import { type ControllerProps, InstalledController } from '../stage/controller';
import { eventually } from '../stage/eventually';
import { ControlledRun } from '../stage/flow-run';
import { apply, kflow, kubectl, makeNamespace, openStore, readNode } from '../stage/node';
import { jobId, ownerOf } from '../stage/number-document';
import { ownNatsUrl, startOwnNats } from '../stage/own-nats';

const folder = mkdtempSync(path.join(tmpdir(), 'kflow-hostile-'));
const store = openStore();
closeAfterFile('the folder of servers', async () => {
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
    const fields = [
      { name: 'title', type: 'string' },
      { name: 'texts', type: { type: 'array', items: 'string' } },
    ];
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

/** How nats keeps namespaces apart. */
type AccountsKind = 'operator' | 'config';

/** A nats and a controller of their own, with flows of a namespace and a hostile flow of another one. */
class Attacked {
  readonly close = closeAfterFile('flows that are attacked', async () => {
    for (const victim of this.victims) victim.rest();
    for (const connection of new Set([this.logins.namespace, this.logins.controller])) await connection.close();
    await this.numbers.close();
    await this.controller.remove();
  });

  private constructor(
    private readonly controller: InstalledController,
    /** A flow that runs. */
    readonly numbers: ControlledRun,
    /** A flow for each attack, which only nats knows. */
    private readonly victims: readonly Victim[],
    private readonly hostile: HostileFlow,
    private readonly logins: VictimLogins,
  ) {}

  static async open(name: string, accounts?: AccountsKind): Promise<Attacked> {
    const keys = newInstallationKey();
    const [namespace, victimNamespace] = [`kflow-${name}`, `victim-${name}`];
    const derived = new DerivedKeys(InstallationKey.parse(keys, 'test'));
    const watched = `${victimNamespace},mallory-${victimNamespace}`;
    const keyFile = path.join(folder, `${name}.key`);
    writeFileSync(keyFile, keys);
    const kinds = {
      operator: ['--operator', '--accounts-dir', path.join(folder, 'accounts')],
      config: ['--namespaces', watched],
    };
    const config = accounts && (await kflow(['nats-config', '--key-file', keyFile, ...kinds[accounts]]));
    const nats = await startOwnNats(folder, name, config);
    for (const each of [namespace, ...watched.split(',')]) await makeNamespace(each);
    const metadata = { name: 'kflow-key', namespace };
    await apply([{ apiVersion: 'v1', kind: 'Secret', metadata, stringData: { key: keys } }]);
    const props: ControllerProps = {
      namespace,
      natsUrl: ownNatsUrl(name),
      options: [
        ...(accounts === undefined ? [] : ['--nats-accounts', accounts]),
        ...['--key-secret', 'kflow-key', '--watch-namespaces', watched],
      ],
      settings: {},
    };
    const controller = await InstalledController.open(props);
    const flow = { namespace: victimNamespace, mode: 'stream', count: 1_200, rate: 20 } as const;
    const numbers = new ControlledRun(flow, controller);
    await numbers.start();
    await eventually(
      'the victim stores records',
      () => numbers.stored(),
      (stored) => stored > 20,
    );
    const logins = await loginsOf(nats.url, victimNamespace, derived, accounts);
    const victims: Victim[] = [];
    for (const index of attacks.keys()) victims.push(await Victim.open(logins, `victim${index}`, victimNamespace));
    return new Attacked(controller, numbers, victims, new HostileFlow(controller, victimNamespace), logins);
  }

  /** Titles of the attacks from which a victim suffers, and all that they have read. */
  async suffer(): Promise<{ readonly suffered: readonly string[]; readonly loot: readonly Loot[] }> {
    const loot = await this.hostile.run();
    await this.hostile.close();
    expect(loot.map(({ title }) => title).sort()).toEqual(attacks.map(({ title }) => title).sort());
    const suffered: string[] = [];
    for (const [index, attack] of attacks.entries()) {
      const victim = this.victims[index] as Victim;
      await victim.settled();
      const texts = loot.find(({ title }) => title === attack.title)?.texts ?? [];
      if (await victim.suffersFrom(attack, texts)) suffered.push(attack.title);
    }
    return { suffered, loot };
  }

  /** The flow of numbers, as nats has it: its stream, its state, and what is forged among its events. */
  async numbersInNats() {
    const { stream, stateBucket, events } = targetOf(this.numbers.namespace, jobId, 'work', 'sink');
    const manager = await this.logins.namespace.jetstreamManager();
    const { config, state } = await manager.streams.info(stream);
    const values = await this.logins.namespace.jetstream().views.kv(stateBucket, { bindOnly: true });
    const run = (await values.get('run'))?.string();
    const controllerManager = await this.logins.controller.jetstreamManager();
    const isForged = await controllerManager.streams
      .getMessage(await controllerManager.streams.find(events), { last_by_subj: events })
      .then(({ data }) => Buffer.from(data).toString() === forged)
      .catch(() => false); // no event of this subject
    return { config, last: state.last_seq, isRunForged: run === forged, isForged };
  }
}

/** As the controller is connected for a namespace and for itself. */
async function loginsOf(
  url: string,
  namespace: string,
  keys: DerivedKeys,
  kind: AccountsKind | undefined,
): Promise<VictimLogins> {
  if (kind === undefined) {
    const connection = await connectNats({ url }, 'victim');
    return { namespace: connection, controller: connection };
  }
  const options = { access: { url }, keys, listener: {}, lifetimeSeconds: 86_400, replicas: 1 };
  const accounts = await (kind === 'operator' ? OperatorAccounts : ConfigAccounts).open(options);
  closeAfterFile('the accounts of nats', () => accounts.close());
  return { namespace: await accounts.connect(namespace), controller: accounts.connection };
}

test('a hostile pod succeeds with every attack on another namespace where nats has no accounts', async () => {
  const place = await Attacked.open('open');
  const { suffered } = await place.suffer();
  await place.close();
  expect(suffered).toEqual(attacks.map(({ title }) => title));
});

test.each([
  ['where the controller makes an account for each', 'operator'],
  ['where nats includes what kflow nats-config prints', 'config'],
] as const)('a hostile pod gets nothing of another namespace %s', async (_where, kind) => {
  const place = await Attacked.open(kind, kind);
  const { numbers } = place;
  const { config } = await place.numbersInNats();
  const { suffered, loot } = await place.suffer();
  const { count } = numbers.flow;
  await eventually(
    'the victim stores all records',
    () => numbers.stored(),
    (stored) => stored >= count,
  );
  expect(await numbers.numbers()).toEqual(Array.from({ length: count }, (_, index) => index));
  expect(await place.numbersInNats()).toEqual({ config, last: count, isRunForged: false, isForged: false });
  expect(suffered).toEqual([]);
  // what these attacks hear is the attacker's own
  const others = loot.filter(({ title }) => !/^(subscribes|stores)/.test(title));
  expect(others.filter(({ texts }) => texts.length > 0)).toEqual([]);
  expect(loot.filter(({ texts }) => texts.join().includes(ownerOf(numbers.namespace)))).toEqual([]);
  await place.close();
});
