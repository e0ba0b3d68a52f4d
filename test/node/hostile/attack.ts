import { readFileSync } from 'node:fs';
import { targetOf } from '../../support/attacks/attack';
import { attackWith, type Loot } from '../../support/attacks/hostile-function';
import { jobId } from '../stage/number-document';

/**
 * The code of a hostile flow: each attack on a flow `victim<number>` of its own, then on the flow of numbers, both in the
 * namespace `VICTIM`, with all that its pod has. The environment of the replica's first process has whatever is kept from
 * user code.
 */
export function attack(): AsyncGenerator<Loot> {
  const lines = readFileSync('/proc/1/environ', 'utf8').split('\0');
  const pod = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s)));
  const numbers = targetOf(pod.VICTIM, jobId, 'work', 'sink');
  return attackWith({ url: pod.KFLOW_NATS_URL, credentials: pod.KFLOW_NATS_CREDENTIALS }, (index) => [
    targetOf(pod.VICTIM, `victim${index}`),
    numbers,
  ]);
}
