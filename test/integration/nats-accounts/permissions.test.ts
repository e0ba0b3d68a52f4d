import type { ConnectionOptions } from 'nats';
import { type Attack, ownStream, targetOf } from '../../support/attacks/attack';
import { attacks } from '../../support/attacks/attack-table';
import { Victim } from '../../support/attacks/victim';
import { AccountsPlace } from './accounts-place';

const passed = [
  'copies a stream into its own as a mirror',
  'copies a stream into its own as a source',
  'stores what others publish in a stream of its own',
  'pulls with the subject of a stream as the address of the answer',
  'has its own records delivered into a stream',
  'has its own records republished into a stream',
];
const table = attacks.map((attack, index) => ({
  ...attack,
  jobId: `job${index}`,
  verb: passed.includes(attack.title) ? 'passes' : 'refuses',
}));

/**
 * One account for all, and a user for each flow that may publish and subscribe to nothing but its own subjects, streams,
 * consumers and answers. The server itself then publishes for the user, and asks nobody.
 */
function configOf(streams: readonly string[]): string {
  const requests = streams.flatMap((own) => [
    `$JS.API.STREAM.*.${own}`,
    `$JS.API.STREAM.MSG.*.${own}`,
    `$JS.API.CONSUMER.*.${own}.>`,
    `$JS.API.CONSUMER.*.*.${own}.>`,
    `$JS.API.CONSUMER.MSG.NEXT.${own}.*`,
  ]);
  return `
accounts {
  shared {
    jetstream: enabled
    users: [
      { user: admin, password: admin }
      { user: mallory, password: mallory, permissions: {
        publish: ${JSON.stringify(['own.>', ...requests])}
        subscribe: ["own.>", "_INBOX_mallory.>"]
      } }
    ]
  }
}`;
}

const words = ['mirror', 'source', 'spy', 'pull', 'push', 'republish'];

let place: AccountsPlace;

beforeAll(async () => {
  const streams = table.flatMap(({ jobId }) => words.map((word) => ownStream(word, targetOf('team', jobId).stream)));
  place = await AccountsPlace.start({ kind: 'open', namespaces: [], config: [configOf(streams)] });
});

function login(user: string): ConnectionOptions {
  return { user, pass: user, inboxPrefix: `_INBOX_${user}` };
}

async function loot(victim: Victim, { run }: Attack): Promise<readonly string[]> {
  const attacker = await place.connect(login('mallory'));
  const found = await run(attacker, victim.target).catch(() => []);
  await attacker.flush();
  return found;
}

test.each(table)('a user with its own subjects only: nats $verb one who $title', async ({ jobId, verb, ...attack }) => {
  const admin = await place.connect(login('admin'));
  const victim = await Victim.open({ namespace: admin, controller: admin }, jobId);
  const found = await loot(victim, attack);
  if (verb === 'passes') await victim.untilHarmed(attack);
  else await victim.settled();
  expect(await victim.suffersFrom(attack, found)).toBe(verb === 'passes');
  victim.rest();
});
