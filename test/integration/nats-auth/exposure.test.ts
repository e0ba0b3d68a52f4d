import net from 'node:net';
import { type ControllerNats, openNats } from '../../../runtime/controller/open-nats';
import { readControllerSettings } from '../../../runtime/controller/settings/settings';
import { InstallationKey, newInstallationKey } from '../../../runtime/installation/installation-key';
import { closeAfterFile } from '../../support/close-after-file';
import { LoginPlace } from '../../support/login-place';
import { waitFor } from '../../support/wait-for';

const place = new LoginPlace();
const key = InstallationKey.parse(newInstallationKey(), 'a test');

/** What a controller logs when it has connected to a nats that all namespaces share. */
async function warnings(url: string, credentials: string): Promise<readonly string[]> {
  const { nats } = readControllerSettings({
    KFLOW_CONTROLLER_NATS_URL: url,
    KFLOW_CONTROLLER_NATS_CREDENTIALS: credentials,
    KFLOW_CONTROLLER_TEMPORAL_ADDRESS: '127.0.0.1:1',
  });
  const lines: string[] = [];
  const opened: ControllerNats = await openNats(nats, key, {
    log: (level, text) => lines.push(`${level} ${text}`),
    login: { refused: () => undefined, accepted: () => undefined },
  });
  closeAfterFile('the nats of a controller', () => opened.close());
  await waitFor('what others can do', () => lines.some((line) => line.includes('docs/controller.md')));
  return lines.filter((line) => !line.endsWith('; retrying')); // a server on a busy machine may answer late
}

test('a controller warns of a nats that asks for no login', async () => {
  const { url } = await place.start('open', []);
  expect(await warnings(url, '')).toEqual([
    expect.stringMatching(/^WARNING nats asks for no login: whoever reaches it can read, .*\(docs\/controller\.md, /),
  ]);
});

test('a nats that does not say whether it asks for a login does not keep a controller from its start', async () => {
  const { url } = await place.start('silent', []);
  const { hostname: host, port } = new URL(url);
  let passed = 0;
  const proxy = net.createServer((client) => {
    if (passed++ > 0) return void client.end();
    const server = net.connect(Number(port), host);
    for (const side of [client, server]) side.on('error', () => side.destroy());
    client.pipe(server).pipe(client);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  closeAfterFile('a proxy', async () => void proxy.close());
  const folder = place.credentials({ token: 'any' });
  const { port: at } = proxy.address() as net.AddressInfo;
  expect(await warnings(`nats://127.0.0.1:${at}`, folder)).toEqual([
    'WARNING it is unknown whether nats asks for a login: the connection ended',
    expect.stringMatching(/^WARNING all namespaces share one account of nats: /),
  ]);
});

test.each(place.ways())(
  'a controller that logs in with $name warns of the account that all namespaces share',
  async (way) => {
    const { url } = await place.start(way.name.replaceAll(' ', '-'), way.config);
    const at = url.replace('nats:', `${way.scheme}:`);
    expect(await warnings(at, place.credentials(way.right))).toEqual([
      expect.stringMatching(/^WARNING all namespaces share one account of nats: .*\(docs\/controller\.md, /),
    ]);
  },
);
