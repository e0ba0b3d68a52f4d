import { type ControllerNats, openNats } from '../../../runtime/controller/open-nats';
import { readControllerSettings } from '../../../runtime/controller/settings/settings';
import { InstallationKey, newInstallationKey } from '../../../runtime/installation/installation-key';
import { closeAfterFile } from '../../support/close-after-file';
import { LoginPlace } from '../../support/login-place';

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
  return lines;
}

test('a controller warns of a nats that asks for no login', async () => {
  const { url } = await place.start('open', []);
  expect(await warnings(url, '')).toEqual([
    expect.stringMatching(/^WARNING nats asks for no login: whoever reaches it can read, .*\(docs\/controller\.md, /),
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
