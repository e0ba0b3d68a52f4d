import { defineCommand } from '../../frame/command';
import { ExitStatus } from '../../frame/exit-status';
import { namespaceName, natsUrls, objectName, option, required, withDefault } from '../../frame/values';

export const nackAccount = defineCommand({
  name: 'nack-account',
  summary: 'print the object by which NACK logs in to NATS for a namespace',
  details: `Flows of the namespace refer to it: kflow synth --nack-account NAME. The keys of the
Secret are user and password, or token, nats.creds or nkey, and ca.crt, tls.crt and
tls.key.`,
  options: {
    name: withDefault(option('<name>', 'name of the object', { parse: objectName }), 'nats'),
    namespace: required(option('<name>', 'namespace of the flows', { parse: namespaceName, short: '-n' })),
    natsUrl: required(option('<url>', 'address of NATS, as in nats://nats.nats.svc:4222', { parse: natsUrls })),
    natsSecret: required(option('<name>', 'Secret of the namespace with the credentials', { parse: objectName })),
    tlsSecret: option('<name>', 'Secret with the certificates (default: that of the credentials)', {
      parse: objectName,
    }),
  },
  async run({ name, namespace, natsUrl, natsSecret: secret, tlsSecret }) {
    const { FlowApp } = await import('../../../../lib/constructs/flow-app.js');
    const { NackAccount } = await import('../../../../lib/constructs/streams/nack-account.js');
    const app = new FlowApp();
    new NackAccount(app, 'account', { name, namespace, servers: [natsUrl], secret, tlsSecret });
    process.stdout.write([...app.texts().values()].join(''));
    return ExitStatus.Done;
  },
});
