import type { NatsAccess } from '../../../lib/plan/nats-access';
import { connectNats } from '../../../runtime/adapters/jetstream/access/connect-nats';
import type { Target } from './attack';
import { attacks } from './attack-table';

/** What an attack read, as a record of the flow. */
export interface Loot {
  readonly title: string;
  readonly texts: readonly string[];
}

/** Below the size of a message, as all texts of an attack are one record. */
const maxCharacters = 500_000;

/**
 * Code of a flow: a source that runs every attack with the login of its flow, each on the targets that `targetsOf` names
 * for its number.
 */
export async function* attackWith(
  access: NatsAccess,
  targetsOf: (index: number) => readonly Target[],
): AsyncGenerator<Loot> {
  const attacker = await connectNats(access, 'hostile');
  for (const [index, { title, run }] of attacks.entries()) {
    const texts: string[] = [];
    let room = maxCharacters;
    for (const target of targetsOf(index)) {
      const found = await run(attacker, target).catch((): readonly string[] => []);
      const isOfTarget = (text: string) => text.includes(target.stream);
      // whoever listens may hear more than a record can hold
      for (const text of [...found.filter(isOfTarget), ...found]) {
        if (text.length > room) continue; // such as what this flow has stolen before, on its way to the sink
        room -= text.length;
        texts.push(text);
      }
    }
    await attacker.flush();
    yield { title, texts };
  }
  await attacker.close();
}
