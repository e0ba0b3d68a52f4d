import { ApiObject, Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { ConfigError } from '../../errors';
import { natsServers } from '../../plan/nats-access';
import { metadata, SyncWave } from '../metadata';
import { nameFaults, namespaceFaults } from '../settings-faults';

export interface NackAccountProps {
  /** Name of the object, which `FlowProps.nackAccount` of flows in the same namespace refers to. */
  readonly name: string;
  readonly namespace: string;
  /** URLs of the servers, without users and passwords. */
  readonly servers: readonly string[];
  /** Secret with the credentials. Its keys are those of `FlowProps.natsSecrets`: NACK uses the ones that are there. */
  readonly secret: string;
  /** Secret with `ca.crt`, `tls.crt` and `tls.key`; default: `secret`. */
  readonly tlsSecret?: string;
}

/** How NACK logs in to make the streams, consumers and buckets of a namespace: a NACK `Account`. */
export class NackAccount extends Chart {
  /** Throws ConfigError for names that Kubernetes would refuse, and for servers with a user or password. */
  constructor(scope: Construct, id: string, props: NackAccountProps) {
    const { name, namespace, servers } = props;
    const names = nameFaults({ name, secret: props.secret, tlsSecret: props.tlsSecret });
    const faults = [...namespaceFaults({ namespace }), ...names];
    if (faults.length > 0) throw new ConfigError('config-invalid', faults.join('\n'));
    const urls = natsServers(servers.join(','), 'servers').map(({ url }) => url);
    super(scope, id, { namespace });
    const secret = { name: props.secret };
    const tlsSecret = { name: props.tlsSecret ?? props.secret };
    new ApiObject(this, 'Resource', {
      apiVersion: 'jetstream.nats.io/v1beta2',
      kind: 'Account',
      metadata: metadata(SyncWave.Accounts, { name }),
      spec: {
        name,
        servers: urls,
        // NACK skips a key that the Secret does not have
        creds: { secret, file: 'nats.creds' },
        nkey: { secret, seed: 'nkey' },
        user: { secret, user: 'user', password: 'password' },
        token: { secret, token: 'token' },
        tls: { secret: tlsSecret, ca: 'ca.crt', cert: 'tls.crt', key: 'tls.key' },
      },
    });
  }
}
