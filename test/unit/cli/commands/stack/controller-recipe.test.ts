import { controllerEnvironment, ignoredSettings } from '../../../../../runtime/cli/commands/stack/controller-recipe';
import { StackDirectory } from '../../../../../runtime/cli/local-stack/stack-directory';
import { settingTable } from '../../../../../runtime/controller/settings/setting-table';
import { readControllerSettings } from '../../../../../runtime/controller/settings/settings';

/** Every setting of a controller elsewhere, as in the shell of somebody who runs one there too. */
const elsewhere = Object.fromEntries(settingTable.map(({ variable }) => [variable, 'elsewhere']));

const tuning = [
  'KFLOW_CONTROLLER_TEMPORAL_HISTORY_LENGTH',
  'KFLOW_CONTROLLER_TIMES_PAUSE_GRACE_SECONDS',
  'KFLOW_CONTROLLER_TIMES_READY_SECONDS',
  'KFLOW_CONTROLLER_LOG_LEVEL',
  'KFLOW_CONTROLLER_LOG_FORMAT',
  'KFLOW_CONTROLLER_REQUESTS_ADDRESSES',
];

const tuned = {
  KFLOW_CONTROLLER_TEMPORAL_HISTORY_LENGTH: '20',
  KFLOW_CONTROLLER_TIMES_PAUSE_GRACE_SECONDS: '20',
  KFLOW_CONTROLLER_TIMES_READY_SECONDS: '20',
  KFLOW_CONTROLLER_LOG_LEVEL: 'DEBUG',
  KFLOW_CONTROLLER_LOG_FORMAT: 'json',
  KFLOW_CONTROLLER_REQUESTS_ADDRESSES: 'crm=http://crm',
};

afterEach(() => {
  for (const name of Object.keys(elsewhere)) delete process.env[name];
});

test('the controller of a stack uses the servers, logins and accounts of the stack, whatever the environment says', () => {
  Object.assign(process.env, elsewhere, tuned);
  const s3 = { endpoint: 'http://127.0.0.1:3', user: 'me', password: 'x' };
  const servers = { nats: 'nats://127.0.0.1:1', temporal: '127.0.0.1:2', s3, socket: '/node.sock' };
  const settings = readControllerSettings(controllerEnvironment(new StackDirectory('/stack'), servers));
  expect(JSON.stringify(settings)).not.toContain('elsewhere');
  expect(settings.times).toEqual({ readySeconds: 20, pauseGraceSeconds: 20 });
  expect(settings.requests).toEqual({ addresses: ['crm=http://crm'] });
  expect(settings.log).toEqual({ level: 'DEBUG', format: 'json' });
});

test('names every setting that the controller of a stack does not get, and no other variable', () => {
  const names = ignoredSettings({ ...elsewhere, KFLOW_CONTROLLER_UNKNOWN: 'reported by the controller', PATH: '/bin' });
  expect(names).toEqual(Object.keys(elsewhere).filter((name) => !tuning.includes(name)));
});
