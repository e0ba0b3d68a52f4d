import { readFileSync } from 'node:fs';
import { outputSubject, stateBucket, streamName } from '../../../lib/plan/names';
import { connectNats } from '../../../runtime/adapters/jetstream/access/connect-nats';
import { type Target, targetOf } from '../../support/attacks/attack';
import { attacks } from '../../support/attacks/attack-table';

/** What an attack has read; empty if the server refused it. */
export interface Loot {
  readonly title: string;
  readonly loot: string;
}

const lootCharacters = 20_000;

/**
 * The code of a hostile flow: attacks the flow of numbers in the namespace `VICTIM` with all that its pod has, and emits
 * what each attack has read. The environment of the replica's first process has whatever is kept from user code.
 */
export async function* attack(): AsyncGenerator<Loot> {
  const lines = readFileSync('/proc/1/environ', 'utf8').split('\0');
  const pod = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s)));
  const connection = await connectNats({ url: pod.KFLOW_NATS_URL, credentials: pod.KFLOW_NATS_CREDENTIALS }, 'hostile');
  const target = numbersOf(pod.VICTIM);
  for (const { title, run } of attacks) {
    const loot = await run(connection, target).catch(() => []);
    yield { title, loot: loot.join('\n').slice(0, lootCharacters) };
  }
}

function numbersOf(namespace: string): Target {
  const flow = { namespace, jobId: 'numbers' };
  return {
    ...targetOf(namespace, flow.jobId),
    stream: streamName(flow, 'work'),
    subject: outputSubject(flow, 'work'),
    durable: 'sink',
    stateBucket: stateBucket(flow),
  };
}
