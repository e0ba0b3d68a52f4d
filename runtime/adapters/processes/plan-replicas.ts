import type { DesiredWorkload } from './desired-workload';

/** The actual state of a replica. */
export interface PresentReplica {
  readonly number: number;
  readonly templateDigest: string;
  readonly phase: 'starting' | 'ready' | 'not-ready' | 'waiting' | 'ending' | 'ended';
}

/** The next steps; the caller plans again after each change. */
export interface ReplicaSteps<Replica extends PresentReplica = PresentReplica> {
  readonly end: readonly Replica[];
  /** Numbers of new replicas. */
  readonly start: readonly number[];
}

/**
 * Plans the next steps from the actual to the desired replicas of a workload, as Kubernetes would: replicas are numbered
 * from 0, and the highest numbers are removed first. `done` are the completion indexes of a Job that have succeeded.
 */
export function planReplicas<Replica extends PresentReplica>(
  desired: DesiredWorkload,
  present: readonly Replica[],
  done: readonly number[] = [],
): ReplicaSteps<Replica> {
  if (desired.kind === 'statefulset') return planNumbered(desired, present);
  return desired.strategy === 'rolling' ? planRolling(desired, present) : planRecreated(desired, present, done);
}

/** Like maxSurge and maxUnavailable of 25 %: new replicas start first, old ones end while enough others are ready. */
function planRolling<Replica extends PresentReplica>(
  { replicas, templateDigest }: DesiredWorkload,
  present: readonly Replica[],
): ReplicaSteps<Replica> {
  const alive = present.filter(isAlive);
  const current = alive.filter((replica) => replica.templateDigest === templateDigest);
  const old = alive.filter((replica) => replica.templateDigest !== templateDigest);
  const room = Math.min(replicas - current.length, replicas + Math.ceil(replicas / 4) - alive.length);
  const needed = replicas - Math.floor(replicas / 4);
  const unready = current.filter((replica) => !isReady(replica)).length;
  const spare = Math.max(0, alive.length - unready - needed);
  const removable = [...old].sort((one, other) => Number(isReady(one)) - Number(isReady(other)) || highest(one, other));
  return {
    end: [...surplusOf(current, replicas), ...removable.slice(0, spare)],
    start: freeNumbers(present, room),
  };
}

/** Every old replica has ended before the first new one starts; none starts while another is ending. */
function planRecreated<Replica extends PresentReplica>(
  { replicas, templateDigest, job }: DesiredWorkload,
  present: readonly Replica[],
  done: readonly number[],
): ReplicaSteps<Replica> {
  const numbers = job === undefined ? replicas : job.completions;
  const isWanted = (replica: Replica) => replica.templateDigest === templateDigest && replica.number < numbers;
  const alive = present.filter(isAlive);
  const wanted = alive.filter(isWanted);
  const end = [...alive.filter((replica) => !isWanted(replica)), ...surplusOf(wanted, replicas)];
  if (end.length > 0 || present.length > wanted.length) return { end, start: [] };
  const taken = new Set([...done, ...present.map(({ number }) => number)]);
  const free = Array.from({ length: numbers }, (_, number) => number).filter((number) => !taken.has(number));
  return { end, start: free.slice(0, Math.max(0, replicas - wanted.length)) };
}

/** Each number is replaced separately; a ready replica only while all the others are ready. */
function planNumbered<Replica extends PresentReplica>(
  { replicas, templateDigest }: DesiredWorkload,
  present: readonly Replica[],
): ReplicaSteps<Replica> {
  const alive = present.filter(isAlive).sort(highest);
  const wanted = alive.filter(({ number }) => number < replicas);
  const old = wanted.filter((replica) => replica.templateDigest !== templateDigest);
  const broken = old.filter((replica) => !isReady(replica));
  const areAllReady = wanted.length === replicas && wanted.every(isReady);
  const surplus = alive.filter(({ number }) => number >= replicas);
  const taken = new Set(present.map(({ number }) => number));
  return {
    end: [...surplus, ...broken, ...(areAllReady ? old.slice(0, 1) : [])],
    start: Array.from({ length: replicas }, (_, number) => number).filter((number) => !taken.has(number)),
  };
}

function isAlive({ phase }: PresentReplica): boolean {
  return phase !== 'ending' && phase !== 'ended';
}

function isReady({ phase }: PresentReplica): boolean {
  return phase === 'ready';
}

function highest(one: PresentReplica, other: PresentReplica): number {
  return other.number - one.number;
}

function surplusOf<Replica extends PresentReplica>(replicas: readonly Replica[], count: number): Replica[] {
  return [...replicas].sort(highest).slice(0, Math.max(0, replicas.length - count));
}

/** The lowest free numbers. */
function freeNumbers(present: readonly PresentReplica[], count: number): number[] {
  const taken = new Set(present.map(({ number }) => number));
  const all = Array.from({ length: present.length + Math.max(0, count) }, (_, number) => number);
  return all.filter((number) => !taken.has(number)).slice(0, Math.max(0, count));
}
