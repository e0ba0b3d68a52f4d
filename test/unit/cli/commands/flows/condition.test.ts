import type { FlowStatus, FunctionStatus } from '../../../../../runtime/api-contract/flow-status';
import {
  completed,
  deleted,
  healthy,
  healthyAt,
  paused,
  resumed,
  stopped,
} from '../../../../../runtime/cli/commands/flows/condition';

const at = '2026-01-31T08:00:00.000Z';
const running: FlowStatus = {
  status: 'Running',
  startTime: at,
  closeTime: null,
  execution: { workflow_id: 'words', run_id: 'r1' },
  type: { name: 'KFlowDSL' },
  devInsOuts: [],
  namespace: 'default',
  jobId: 'words',
  revision: 2,
  since: at,
  health: { state: 'healthy', problems: [] },
  functions: [],
};
const closed = (status: FlowStatus['status']): Partial<FlowStatus> => ({
  status,
  closeTime: at,
  health: { state: 'inactive', problems: [] },
});
const degradedBy = (...reasons: readonly string[]): FlowStatus['health'] => ({
  state: 'degraded',
  problems: reasons.map((reason) => ({ reason, message: '', since: at })),
});
const map: FunctionStatus = {
  ...{ function: 'map', type: 'raw', replicas: 2, ready: 2, isPaused: false },
  ...{ pending: 0, held: 0, dead: 0, restarts: 0 },
};
const atRest: FunctionStatus = { ...map, isPaused: true, ready: 0 };
const starting = { health: { state: 'starting', problems: [] } } as const;

const cases = [
  ['healthy', healthy, {}, 'met'],
  ['starting', healthy, starting, 'pending'],
  [
    'with dead letters and every replica ready',
    healthy,
    { health: degradedBy('DeadLetters'), functions: [map] },
    'met',
  ],
  [
    'with dead letters and a replica that is not ready',
    healthy,
    { health: degradedBy('DeadLetters'), functions: [{ ...map, ready: 1 }] },
    'pending',
  ],
  ['degraded for another reason', healthy, { health: degradedBy('DeadLetters', 'BackPressure') }, 'pending'],
  ['paused', healthy, { status: 'Paused', ...starting }, 'met'],
  ['completed', healthy, closed('Completed'), 'met'],
  ['failed', healthy, closed('Failed'), 'impossible'],
  ['healthy at the revision', healthyAt(2), {}, 'met'],
  ['starting at the revision', healthyAt(2), starting, 'pending'],
  ['healthy, but rolled back to a new revision', healthyAt(2), { revision: 3 }, 'impossible'],
  ['healthy at an earlier revision', healthyAt(2), { revision: 1 }, 'impossible'],
  ['running', completed, {}, 'pending'],
  ['completed', completed, closed('Completed'), 'met'],
  ['failed', completed, closed('Failed'), 'impossible'],
  ['paused', resumed, { status: 'Paused' }, 'pending'],
  ['healthy', resumed, {}, 'met'],
  ['canceled', resumed, closed('Canceled'), 'impossible'],
  ['pausing', paused([]), { status: 'Pausing' }, 'pending'],
  ['paused', paused([]), { status: 'Paused' }, 'met'],
  ['running, with every function paused', paused([]), { functions: [atRest] }, 'pending'],
  ['with the function at rest', paused(['map']), { functions: [atRest, { ...map, function: 'leaf' }] }, 'met'],
  ['with a record of the function in flight', paused(['map']), { functions: [{ ...atRest, held: 1 }] }, 'pending'],
  ['stopping', stopped, { status: 'Stopping' }, 'pending'],
  ['stopped', stopped, closed('Stopped'), 'met'],
  ['terminated', stopped, closed('Terminated'), 'impossible'],
  ['running', deleted, {}, 'pending'],
  ['stopped, with its data', deleted, closed('Stopped'), 'pending'],
  ['canceled', deleted, closed('Canceled'), 'met'],
] as const;

test.each(cases.map(([state, condition, changes, expected]) => ({ state, condition, changes, expected })))(
  'the condition to $condition.what is $expected for a flow ($state)',
  ({ condition, changes, expected }) => {
    expect(condition.check({ ...running, ...changes } as FlowStatus)).toBe(expected);
  },
);
