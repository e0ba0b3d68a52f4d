import { defineCommand } from '../../frame/command';
import { ExitStatus } from '../../frame/exit-status';
import { flag, names, option, required, text, wholeNumber } from '../../frame/values';

export const natsConfig = defineCommand({
  name: 'nats-config',
  summary: 'print the accounts of nats-server, one for each namespace',
  details:
    'For nats-server to include. It has public keys only; the controller derives the secret ones from the same key.',
  options: {
    keyFile: required(option('<file>', 'file with the installation key of the controller', { parse: text })),
    namespaces: option('<a,b>', 'namespaces of flows, separated by commas (nats.accounts.kind: config)', {
      parse: names,
    }),
    operator: flag('operator mode instead: the controller makes the accounts (nats.accounts.kind: operator)'),
    accountsDir: option('<dir>', 'with --operator: where nats-server keeps the accounts (default: ./accounts)', {
      parse: text,
    }),
    maxStorage: option('<bytes>', 'bytes that the streams of a namespace may hold (default: not limited)', {
      parse: wholeNumber(1),
    }),
    maxConnections: option('<number>', 'connections of a namespace (default: not limited)', { parse: wholeNumber(1) }),
  },
  async run(options) {
    const { renderNatsConfig } = await import('./render-nats-config.js');
    process.stdout.write(renderNatsConfig(options));
    return ExitStatus.Done;
  },
});
