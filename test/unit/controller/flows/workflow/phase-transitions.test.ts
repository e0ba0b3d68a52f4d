import { StateError } from '../../../../../lib/errors';
import { type FlowPhase, isClosedPhase } from '../../../../../runtime/api-contract/flow-phase';
import {
  acceptsChanges,
  canTransition,
  nextPhase,
  type PhaseEvent,
} from '../../../../../runtime/controller/flows/ports/phase-transitions';

const events: readonly PhaseEvent[] = [
  'change',
  'pause',
  'resume',
  'end',
  'paused',
  'completed',
  'failed',
  'stopped',
  'deleted',
  'deleted-by-force',
  'canceled',
];

/** Each phase's legal events; every other event is illegal. */
const table: { readonly [Phase in FlowPhase]: { readonly [Event in PhaseEvent]?: FlowPhase } } = {
  Running: {
    change: 'Running',
    pause: 'Pausing',
    resume: 'Running',
    end: 'Stopping',
    completed: 'Completed',
    failed: 'Failed',
    canceled: 'Canceled',
  },
  Pausing: {
    change: 'Pausing',
    pause: 'Pausing',
    resume: 'Running',
    end: 'Stopping',
    paused: 'Paused',
    failed: 'Failed',
    canceled: 'Canceled',
  },
  Paused: {
    change: 'Paused',
    pause: 'Paused',
    resume: 'Running',
    end: 'Stopping',
    failed: 'Failed',
    canceled: 'Canceled',
  },
  Stopping: {
    end: 'Stopping',
    stopped: 'Stopped',
    deleted: 'Canceled',
    'deleted-by-force': 'Terminated',
    failed: 'Failed',
    canceled: 'Canceled',
  },
  Stopped: {},
  Completed: {},
  Failed: {},
  Canceled: {},
  Terminated: {},
};
const cells = (Object.keys(table) as FlowPhase[]).flatMap((phase) =>
  events.map((event): [FlowPhase, PhaseEvent, FlowPhase | undefined] => [phase, event, table[phase][event]]),
);

test.each(cells)('%s on %s leads to %s', (phase, event, next) => {
  expect(canTransition(phase, event)).toBe(next !== undefined);
  if (next !== undefined) {
    expect(nextPhase(phase, event)).toBe(next);
    return;
  }
  expect(() => nextPhase(phase, event)).toThrow(StateError);
  expect(() => nextPhase(phase, event)).toThrow(`illegal transition: "${event}" in phase ${phase}`);
});

test('only Running, Pausing and Paused accept changes, and closed phases accept nothing', () => {
  const phases = Object.keys(table) as FlowPhase[];
  expect(phases.filter(acceptsChanges)).toEqual(['Running', 'Pausing', 'Paused']);
  expect(phases.filter(isClosedPhase)).toEqual(['Stopped', 'Completed', 'Failed', 'Canceled', 'Terminated']);
});
