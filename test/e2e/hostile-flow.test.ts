import path from 'node:path';
import type { Attack } from '../support/attacks/attack';
import { attacks } from '../support/attacks/attack-table';
import type { Loot } from '../support/attacks/hostile-function';
import { Victim } from '../support/attacks/victim';
import { LifePlace } from '../support/life-place';

/** Their targets are in the account of the controller, which no namespace reaches. */
const onController = ['reads the documents of flows', 'publishes events of a flow of others'];

let life: LifePlace;

beforeAll(async () => {
  life = await LifePlace.up();
});

const attacksFolder = path.join(__dirname, '../support/attacks');
/** Attacks the flows `<TARGET_JOBS><number>` of the namespace `team`, one after the other, with what is in its environment. */
const hostileCode = `
import { targetOf } from '${attacksFolder}/attack.ts';
import { attackWith } from '${attacksFolder}/hostile-function.ts';
export function hostile() {
  const { TARGET_JOBS, KFLOW_NATS_URL: url, KFLOW_NATS_CREDENTIALS: credentials } = process.env;
  return attackWith({ url, credentials }, (index) => [targetOf('team', \`\${TARGET_JOBS}\${index}\`)]);
}
`;

/** A flow whose source attacks the flows `<jobs><number>` of the namespace `team`. */
const flowOf = (namespace: string, jobs: string) => `
namespace: ${namespace}
jobId: hostile
mode: batch
dag:
  - id: attack
    type: raw-source
    schema: { type: record, name: loot, fields: [{ name: title, type: string }, { name: texts, type: { type: array, items: string } }] }
    meta:
      name: hostile
      language: typescript
      module: ./hostile.ts
      container: { env: [{ name: TARGET_JOBS, value: ${jobs} }] }
    out: [loot]
  - { id: loot, type: s3-sink, topics: s3a://loot-${jobs} }
`;

/** Titles of the attacks that succeeded as the code of a flow in a namespace. */
async function successes(namespace: string, jobs: string): Promise<readonly string[]> {
  const { place, stack } = life;
  const logins = { namespace: await stack.nats('team'), controller: await stack.controllerNats() };
  const victims: Victim[] = [];
  for (const index of attacks.keys()) victims.push(await Victim.open(logins, `${jobs}${index}`));
  place.write('hostile.ts', hostileCode);
  place.write(`${jobs}.yaml`, flowOf(namespace, jobs));
  expect(await place.ran('submit', `${jobs}.yaml`)).toMatchObject({ status: 0 });
  await stack.until(`${namespace}/hostile`, 'to be completed', ({ status }) => status === 'Completed');
  const records = await stack.records<Loot>(`loot-${jobs}`);
  expect(records.map(({ title }) => title).sort()).toEqual(attacks.map(({ title }) => title).sort());
  const succeeded: string[] = [];
  for (const [index, attack] of attacks.entries()) {
    const victim = victims[index] as Victim;
    await victim.settled();
    const texts = records.find(({ title }: Pick<Attack, 'title'>) => title === attack.title)?.texts ?? [];
    if (await victim.suffersFrom(attack, texts)) succeeded.push(attack.title);
    victim.rest();
  }
  return succeeded;
}

test('a flow gets nothing from the flows of another namespace, and changes nothing of theirs', async () => {
  expect(await successes('mallory', 'foreign')).toEqual([]);
});

test('the same code succeeds in the namespace of its targets, except with what is the controller’s', async () => {
  const expected = attacks.map(({ title }) => title).filter((title) => !onController.includes(title));
  expect(await successes('team', 'own')).toEqual(expected);
});
