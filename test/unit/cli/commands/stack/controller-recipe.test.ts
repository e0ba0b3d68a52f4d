import { controllerEnvironment, ignoredSettings } from '../../../../../runtime/cli/commands/stack/controller-recipe';
import { StackDirectory } from '../../../../../runtime/cli/local-stack/stack-directory';
import { readControllerSettings } from '../../../../../runtime/controller/settings/settings';

/** Settings of a controller elsewhere, as in the shell of somebody who runs one there too. */
const elsewhere = {
  KFLOW_CONTROLLER_LISTEN_HOST: '0.0.0.0',
  KFLOW_CONTROLLER_LISTEN_TLS_CERT_FILE: '/elsewhere/tls.crt',
  KFLOW_CONTROLLER_LISTEN_TLS_KEY_FILE: '/elsewhere/tls.key',
  KFLOW_CONTROLLER_NATS_URL: 'tls://elsewhere:4222',
  KFLOW_CONTROLLER_NATS_CREDENTIALS: '/elsewhere/nats',
  KFLOW_CONTROLLER_NATS_DOMAIN: 'elsewhere',
  KFLOW_CONTROLLER_TEMPORAL_ADDRESS: 'elsewhere:7233',
  KFLOW_CONTROLLER_TEMPORAL_NAMESPACE: 'elsewhere',
  KFLOW_CONTROLLER_TEMPORAL_TLS_CA_FILE: '/elsewhere/ca.crt',
  KFLOW_CONTROLLER_TEMPORAL_API_KEY_FILE: '/elsewhere/key',
  KFLOW_CONTROLLER_INSTALLATION_SECRET: 'elsewhere',
  KFLOW_CONTROLLER_S3_OVERRIDE_ADDR: 'elsewhere:9000',
};

afterEach(() => {
  for (const name of Object.keys(elsewhere)) delete process.env[name];
});

test('the controller of a stack uses the servers of the stack, whatever the environment says of others', () => {
  Object.assign(process.env, elsewhere, { KFLOW_CONTROLLER_TIMES_READY_SECONDS: '20' });
  const s3 = { endpoint: 'http://127.0.0.1:3', user: 'me', password: 'x' };
  const servers = { nats: 'nats://127.0.0.1:1', temporal: '127.0.0.1:2', s3, socket: '/node.sock' };
  const settings = readControllerSettings(controllerEnvironment(new StackDirectory('/stack'), servers));
  delete process.env.KFLOW_CONTROLLER_TIMES_READY_SECONDS;
  expect(JSON.stringify(settings)).not.toContain('elsewhere');
  expect(settings.times.readySeconds).toBe(20);
});

test('names the settings that the controller of a stack does not get', () => {
  const names = ignoredSettings({ ...elsewhere, KFLOW_CONTROLLER_TIMES_READY_SECONDS: '20', PATH: '/bin' });
  expect(names).toContain('KFLOW_CONTROLLER_LISTEN_TLS_CERT_FILE');
  expect(names).not.toContain('KFLOW_CONTROLLER_TIMES_READY_SECONDS');
});
