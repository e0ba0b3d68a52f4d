import { defineCommand } from '../../frame/command';
import { namespaceName, option, optionalArgument, withDefault } from '../../frame/values';

export const natsLogin = defineCommand({
  name: 'nats-login',
  summary: 'make a login for a program of your own at the nats of kflow up',
  details: `For task workers in any language, consumers of operations and nats clients. Prints
the variables that KFlow's own libraries read, for eval "$(kflow nats-login)"; other
clients take the file nats.creds in KFLOW_NATS_CREDENTIALS. The login is for the
account of the namespace, and ends with the data of the stack, or after 30 days.`,
  arguments: {
    name: optionalArgument({ name: 'name', description: 'name of the login (default: program)' }),
  },
  options: {
    namespace: withDefault(option('<namespace>', 'namespace of its account', { parse: namespaceName }), 'default'),
  },
  async run({ name = 'program', namespace }) {
    return (await import('./write-login.js')).writeLogin(name, namespace);
  },
});
