import { readFileSync } from 'node:fs';
import path from 'node:path';
import { connect, credsAuthenticator } from 'nats';
import { targetOf } from './attack';
import { attacks } from './attack-table';

/** What an attack read, as a record of the flow. */
export interface Loot {
  readonly title: string;
  readonly texts: readonly string[];
}

/**
 * Code of a flow: a source that attacks the flows `<TARGET_JOBS><number>` of the namespace `TARGET_NAMESPACE`, one after the
 * other, with what it finds in its own environment.
 */
export async function* hostile(): AsyncGenerator<Loot> {
  const { TARGET_NAMESPACE = '', TARGET_JOBS = '', KFLOW_NATS_URL, KFLOW_NATS_CREDENTIALS = '' } = process.env;
  const creds = readFileSync(path.join(KFLOW_NATS_CREDENTIALS, 'nats.creds'));
  const attacker = await connect({ servers: KFLOW_NATS_URL, authenticator: credsAuthenticator(creds) });
  for (const [index, { title, run }] of attacks.entries()) {
    const texts = await run(attacker, targetOf(TARGET_NAMESPACE, `${TARGET_JOBS}${index}`)).catch(() => []);
    await attacker.flush();
    yield { title, texts };
  }
  await attacker.close();
}
