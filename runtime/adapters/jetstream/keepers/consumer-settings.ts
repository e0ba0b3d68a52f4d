import { AckPolicy, type ConsumerInfo, type JetStreamManager, type NatsConnection, nanos } from 'nats';
import { apiSubject } from '../access/jetstream-api';
import type { ConsumerSettings } from '../provision';

/** A setting of a consumer that would lose, stop or repeat records. */
export interface ConsumerFault {
  /** As in `paused` or `ack_policy none`. */
  readonly text: string;
  /** The server does not change the setting of an existing consumer. */
  readonly isLasting: boolean;
}

/** The settings of a consumer that somebody changed from outside. */
export function consumerFaults(
  info: Pick<ConsumerInfo, 'config' | 'paused'>,
  settings: ConsumerSettings,
): readonly ConsumerFault[] {
  const { config } = info;
  const filters = config.filter_subject ?? config.filter_subjects?.join(',') ?? '';
  const faults: readonly (ConsumerFault & { readonly isFault: boolean })[] = [
    { text: `ack_policy ${config.ack_policy}`, isLasting: true, isFault: config.ack_policy !== AckPolicy.Explicit },
    { text: 'push delivery', isLasting: true, isFault: (config.deliver_subject ?? '') !== '' },
    { text: `filter_subject ${filters}`, isLasting: false, isFault: !isFilter(filters, settings) },
    { text: `max_deliver ${config.max_deliver}`, isLasting: false, isFault: (config.max_deliver ?? -1) !== -1 },
    { text: `ack_wait ${config.ack_wait}`, isLasting: false, isFault: config.ack_wait !== nanos(settings.ackWaitMs) },
    {
      text: `max_ack_pending ${config.max_ack_pending}`,
      isLasting: false,
      isFault: config.max_ack_pending !== settings.maxAckPending,
    },
    { text: 'backoff', isLasting: true, isFault: (config.backoff ?? []).length > 0 },
    { text: 'headers_only', isLasting: false, isFault: config.headers_only === true },
    { text: 'inactive_threshold', isLasting: false, isFault: (config.inactive_threshold ?? 0) > 0 },
    { text: 'paused', isLasting: false, isFault: info.paused === true },
  ];
  return faults.filter(({ isFault }) => isFault).map(({ text, isLasting }) => ({ text, isLasting }));
}

/** Restores the settings that the server changes in place; a paused consumer continues. */
export async function restoreConsumer(
  connection: NatsConnection,
  manager: JetStreamManager,
  info: Pick<ConsumerInfo, 'stream_name' | 'name' | 'paused'>,
  settings: ConsumerSettings,
): Promise<void> {
  const { stream_name: stream, name } = info;
  await manager.consumers.update(stream, name, {
    filter_subject: settings.subject,
    max_deliver: -1,
    ack_wait: nanos(settings.ackWaitMs),
    max_ack_pending: settings.maxAckPending,
    headers_only: false,
    inactive_threshold: 0,
  });
  if (info.paused === true)
    await connection.request(apiSubject(connection, `CONSUMER.PAUSE.${stream}.${name}`), '', { timeout: 2_000 });
}

/** A consumer without a filter reads all of the stream: not those of partitions. */
function isFilter(filter: string, { subject, partition }: ConsumerSettings): boolean {
  return filter === subject || (filter === '' && partition === undefined);
}
