import type {
  JetStreamClient,
  JetStreamManager,
  JetStreamManagerOptions,
  JetStreamOptions,
  NatsConnection,
} from 'nats';

/**
 * The JetStream of a connection. Every client, manager, bucket and API subject comes from here, because the connection's
 * JetStream domain has to be in each.
 */
const domains = new WeakMap<NatsConnection, string>();

/** Sets the JetStream domain that a connection works with; without one, that of its server. */
export function setDomain(connection: NatsConnection, domain: string): void {
  domains.set(connection, domain);
}

/** A client for publishing, consuming, and buckets of values and objects (`views`). Makes no request. */
export function jetStreamOf(connection: NatsConnection, options: JetStreamManagerOptions = {}): JetStreamClient {
  return connection.jetstream({ checkAPI: false, ...options, ...domainOf(connection) });
}

/** A client for streams and consumers. Makes no request. */
export function managerOf(
  connection: NatsConnection,
  options: JetStreamManagerOptions = {},
): Promise<JetStreamManager> {
  return connection.jetstreamManager({ checkAPI: false, ...options, ...domainOf(connection) });
}

/** The subject of an API request, as in `CONSUMER.PAUSE.<stream>.<consumer>`. */
export function apiSubject(connection: NatsConnection, request: string): string {
  const domain = domains.get(connection);
  return domain === undefined ? `$JS.API.${request}` : `$JS.${domain}.API.${request}`;
}

/** The subject that stores a value of a bucket. Filters name the subject without a domain, `$KV.<bucket>.<key>`. */
export function valueSubject(connection: NatsConnection, bucket: string, key: string): string {
  const domain = domains.get(connection);
  const subject = `$KV.${bucket}.${key}`;
  return domain === undefined ? subject : `$JS.${domain}.API.${subject}`;
}

function domainOf(connection: NatsConnection): Pick<JetStreamOptions, 'domain'> {
  const domain = domains.get(connection);
  return domain === undefined ? {} : { domain };
}
