import type { PlannedWorkload } from '../../../../lib/plan/flow-plan';
import type { WorkloadState } from '../../ports/cluster';
import type { FunctionProgress, OutputProgress } from '../../ports/streams';
import type { Finding, HealthMemory, Movement } from './health-memory';

/** Usage above which a stream counts as full. */
const fullUsage = 0.95;
/** Usage by unread records above which trimming cannot make room. */
const unreadUsage = 0.8;
/** How long a function with input may go without an ack. */
const stallMs = 60_000;
/** Consecutive failed attempts that count as a poison record. */
const poisonAttempts = 2;

export interface MovementInput {
  readonly workload: PlannedWorkload;
  readonly state: WorkloadState | undefined;
  readonly own: FunctionProgress;
  /** Of all functions of the flow. */
  readonly progress: readonly FunctionProgress[];
  readonly memory: HealthMemory;
  readonly now: number;
}

/** Reasons why a function that should run makes no progress. */
export function findMovementFaults(input: MovementInput): readonly Finding[] {
  const { own, progress } = input;
  const pressures = own.outputs.flatMap((output) => findBackPressure(own.function, output, progress));
  return [...pressures, ...findStall(input, pressures.length > 0)];
}

/** Records that a function sent to the dead letters. */
export function findDeadLetters({ function: id, dead }: FunctionProgress): readonly Finding[] {
  if (dead <= 0) return [];
  const message = `${dead === 1 ? '1 record was' : `${dead} records were`} sent to the dead letters`;
  return [{ function: id, reason: 'DeadLetters', message, weight: 'degraded' }];
}

/** A stream that is full of records that a reader has not acked, so that its writer has to wait. */
function findBackPressure(
  writer: string,
  { stream, usage, messages }: OutputProgress,
  progress: readonly FunctionProgress[],
): readonly Finding[] {
  if (usage <= fullUsage || messages === 0) return [];
  const readers = progress.flatMap(({ function: id, inputs }) =>
    inputs.filter((input) => input.stream === stream).map((input) => ({ id, left: input.pending + input.ackPending })),
  );
  const slowest = readers.reduce((one, other) => (other.left > one.left ? other : one), { id: '', left: 0 });
  if (slowest.left === 0 || (usage * slowest.left) / messages <= unreadUsage) return [];
  const percent = Math.min(100, Math.floor(usage * 100));
  const message = `waiting for "${slowest.id}", which has ${slowest.left} unacked records in ${stream}; the stream is ${percent} % full`;
  return [{ function: writer, reason: 'BackPressure', message, weight: 'degraded', about: stream }];
}

function findStall(input: MovementInput, isBlocked: boolean): readonly Finding[] {
  const { workload, state, own, memory, now } = input;
  const movement = memory.movementOf(own.function);
  const left = own.inputs.reduce((sum, { pending, ackPending }) => sum + pending + ackPending, 0);
  if (movement === undefined || left === 0) return [];
  if (movement.failures >= poisonAttempts) return [poisonRecord(own.function, state, movement)];
  const isReady = state?.replicas.some(({ phase }) => phase === 'ready') ?? false;
  if (isBlocked || !isReady || now - movement.stillSince < stallLimitMs(workload, own.inputs)) return [];
  const why = movement.waiting === undefined ? '' : `: ${oneLine(movement.waiting)}`;
  const message = `${left === 1 ? '1 record is' : `${left} records are`} pending, and none was acked${why}`;
  const since = new Date(movement.stillSince).toISOString();
  return [{ function: own.function, reason: 'Stalled', message, weight: 'unhealthy', since }];
}

function poisonRecord(id: string, state: WorkloadState | undefined, movement: Movement): Finding {
  const { lastFailure, failedReplica } = movement;
  const why = lastFailure === undefined ? '' : `: ${oneLine(lastFailure)}`;
  const replica = replicaOf(state, failedReplica);
  return {
    function: id,
    ...(replica === undefined ? {} : { replica }),
    reason: 'PoisonRecord',
    message: `a record fails repeatedly${why}`,
    weight: 'unhealthy',
  };
}

/** A record that a replica holds may take as long as the document allows. */
function stallLimitMs({ spec }: PlannedWorkload, inputs: FunctionProgress['inputs']): number {
  const isHeld = inputs.some(({ ackPending }) => ackPending > 0);
  return isHeld ? Math.max(stallMs, spec.maxPollIntervalMs) : stallMs;
}

/** The replica with this number, if the names reveal it: the only one, or the one whose name ends with the number. */
function replicaOf(state: WorkloadState | undefined, number: number | undefined): string | undefined {
  if (state === undefined || number === undefined) return undefined;
  const [first, ...others] = state.replicas.filter(({ phase }) => phase !== 'ending');
  if (others.length === 0) return first?.name;
  if (state.kind === 'job') return undefined;
  return state.replicas.find(({ name }) => name.endsWith(`-${number}`))?.name;
}

function oneLine(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  return line.length > 300 ? `${line.slice(0, 297)}...` : line;
}
