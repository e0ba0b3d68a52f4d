import { type Attack, requestMs } from '../../support/attacks/attack';
import { attacks } from '../../support/attacks/attack-table';
import { Victim } from '../../support/attacks/victim';
import { type AccountsKind, AccountsPlace } from './accounts-place';

const table = attacks.map((attack, index) => ({ ...attack, jobId: `job${index}` }));
const namespaces = ['team', 'mallory'];

/** The attack, by a flow of another namespace. What it read is empty when the server refused. */
async function attacked(place: AccountsPlace, victim: Victim, { run }: Attack): Promise<readonly string[]> {
  const attacker = await place.flow({ namespace: 'mallory', jobId: 'hostile' });
  const loot = await run(attacker, victim.target).catch(() => []);
  if (!attacker.isClosed()) await attacker.flush();
  return loot;
}

describe('on a nats-server without accounts, a flow of another namespace', () => {
  let place: AccountsPlace;

  beforeAll(async () => {
    place = await AccountsPlace.start({ kind: 'open', namespaces });
  });

  test.each(table)('$title', async ({ jobId, ...attack }) => {
    const connection = await place.namespace('team');
    const victim = await Victim.open({ namespace: connection, controller: connection }, jobId);
    const loot = await attacked(place, victim, attack);
    await victim.untilHarmed(attack);
    expect(await victim.suffersFrom(attack, loot)).toBe(true);
    victim.rest();
  });
});

describe.each(['operator', 'config'] as const)('with accounts by %s, a flow of another namespace never', (kind) => {
  let place: AccountsPlace;
  const victims: { readonly victim: Victim; readonly attack: Attack; readonly loot: readonly string[] }[] = [];

  beforeAll(async () => {
    place = await AccountsPlace.start({ kind: kind satisfies AccountsKind, namespaces });
  });

  test.each(table)('$title', async ({ jobId, ...attack }) => {
    const logins = { namespace: await place.namespace('team'), controller: await place.controller() };
    const victim = await Victim.open(logins, jobId);
    const loot = await attacked(place, victim, attack);
    await victim.settled();
    expect(await victim.suffersFrom(attack, loot)).toBe(false);
    victim.rest();
    victims.push({ victim, attack, loot });
  });

  test('succeeds late either', async () => {
    expect(victims).toHaveLength(table.length);
    for (const { victim, attack, loot } of victims) {
      expect({ title: attack.title, suffers: await victim.suffersFrom(attack, loot) }).toEqual({
        title: attack.title,
        suffers: false,
      });
    }
  });
});

/** As a nats has it that is a part of a larger one. */
const domain = 'hub';
const throughDomain: Attack = {
  title: 'reads a record through the API of the domain',
  run: async (attacker, { stream }) => {
    const manager = await attacker.jetstreamManager({ domain, checkAPI: false, timeout: requestMs });
    return [Buffer.from((await manager.streams.getMessage(stream, { seq: 1 })).data).toString()];
  },
};

test.each([
  ['reads a record', 'open', true],
  ['gets nothing', 'operator', false],
  ['gets nothing', 'config', false],
] as const)(
  'through the API of a JetStream domain, a flow of another namespace %s with accounts by %s',
  async (_, kind, isLoot) => {
    const place = await AccountsPlace.start({ kind, namespaces, jetstream: `domain: ${domain}` });
    const controller = kind === 'open' ? await place.namespace('team') : await place.controller();
    const victim = await Victim.open({ namespace: await place.namespace('team'), controller }, 'one');
    const loot = await attacked(place, victim, throughDomain);
    expect(await victim.suffersFrom(throughDomain, loot)).toBe(isLoot);
    victim.rest();
  },
);
