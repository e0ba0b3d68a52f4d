import type { NatsAccess } from '../../../lib/plan/nats-access';
import { connectNats, openOver } from '../../adapters/jetstream/access/connect-nats';
import { JetStreamOperations } from '../../adapters/jetstream/operations/jetstream-operations';
import { TransportError } from '../messages/operation-error';
import { writeLog } from '../observe/task-log';
import type { Transport } from './transport';

/** The nats of the variables KFLOW_NATS_URL (nats://127.0.0.1:4222), KFLOW_NATS_CREDENTIALS and KFLOW_NATS_DOMAIN. */
export function natsOf(env: NodeJS.ProcessEnv): NatsAccess {
  const { KFLOW_NATS_URL: url, KFLOW_NATS_CREDENTIALS: credentials, KFLOW_NATS_DOMAIN: domain } = env;
  return {
    url: url || 'nats://127.0.0.1:4222',
    ...(credentials ? { credentials } : {}),
    ...(domain ? { domain } : {}),
  };
}

/** How long the first connection is tried. */
const connectMs = 10_000;

/**
 * Connects to the nats of KFLOW_NATS_URL (nats://127.0.0.1:4222), with the files of the folder KFLOW_NATS_CREDENTIALS, and uses the
 * names of the namespace KFLOW_NAMESPACE (default). Throws TransportError if it cannot be reached.
 */
export async function openTransport(env: NodeJS.ProcessEnv): Promise<Transport> {
  const access = natsOf(env);
  const tell = (text: string) => writeLog('WARNING', text);
  try {
    const connection = await connectNats(access, 'kflow-operations', { absent: tell, trouble: tell }, connectMs);
    return await openOver(connection, () => JetStreamOperations.open(connection, env.KFLOW_NAMESPACE || 'default'));
  } catch (cause) {
    throw new TransportError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
