import { readControllerSettings } from '../../../runtime/controller/settings/settings';
import { startController } from '../../../runtime/controller/start-controller';

test('a controller of local processes without a key file does not start', async () => {
  const settings = readControllerSettings({
    KFLOW_CONTROLLER_NATS_URL: 'nats://127.0.0.1:1',
    KFLOW_CONTROLLER_TEMPORAL_ADDRESS: '127.0.0.1:1',
    KFLOW_CONTROLLER_CLUSTER_KIND: 'processes',
    KFLOW_CONTROLLER_CLUSTER_SOCKET: '/nowhere.sock',
  });
  await expect(startController(settings, { log: () => undefined })).rejects.toMatchObject({
    code: 'setting-missing',
    message: expect.stringContaining('installation.keyFile: missing; name a file with 32 random bytes as base64'),
  });
});
