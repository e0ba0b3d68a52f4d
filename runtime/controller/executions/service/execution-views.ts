import { formatTaskName, parseTaskName } from '../../../../lib/plan/task-names';
import type { StepError, StepState } from '../../../../lib/tasks/advance/execution-state';
import { restoreExecution } from '../../../../lib/tasks/advance/restore-execution';
import { parseStepId, type StepId } from '../../../../lib/tasks/advance/step-id';
import type { StepRecord } from '../../../../lib/tasks/advance/step-record';
import type { TaskExecution } from '../../../../lib/tasks/advance/task-execution';
import type { TaskNode, TaskStepNode } from '../../../../lib/tasks/graph/task-graph';
import type { ExecutionDetail, ExecutionStep, TraceEntry } from '../../../api-contract/execution-status';
import { executionView, isoOf } from '../ports/execution-view';
import type { ExecutionSnapshot, StepNote } from '../ports/execution-workflow';

/** Items of maps beyond so many steps are left out. */
const maxSteps = 1_000;

/** An execution with its steps and values. */
export function executionDetail(snapshot: ExecutionSnapshot): ExecutionDetail {
  const execution = restoreExecution(snapshot.graph, snapshot.state);
  const { outcome, input } = snapshot.state;
  const steps = [...orderedIds(execution), ...waitingIds(execution)].sort(compareIds);
  const error = outcome !== undefined && 'error' in outcome ? outcome.error : undefined;
  return {
    ...executionView(snapshot),
    input,
    ...(outcome?.status === 'completed' ? { output: outcome.output } : {}),
    ...(error === undefined ? {} : { error }),
    steps: steps.slice(0, maxSteps).map((id) => stepOf(id, execution, snapshot)),
    ...(steps.length > maxSteps ? { omittedSteps: steps.length - maxSteps } : {}),
  };
}

/** What happened, the oldest first. */
export function executionTrace(snapshot: ExecutionSnapshot): readonly TraceEntry[] {
  const execution = restoreExecution(snapshot.graph, snapshot.state);
  const nameOf = (id: StepId) => {
    const record = execution.steps.get(id);
    return record === undefined ? {} : { name: execution.reader.nameOf(record.node) };
  };
  const entries: { readonly atMs: number; readonly entry: Omit<TraceEntry, 'id' | 'at'> }[] = snapshot.log.map(
    ({ atMs, what, by, comment, step }) => ({
      atMs,
      entry: { ...(step === undefined ? {} : { step, ...nameOf(step) }), what, by, message: comment },
    }),
  );
  for (const id of orderedIds(execution)) {
    const record = execution.steps.get(id);
    const note = snapshot.notes[id];
    if (record === undefined || note === undefined) continue;
    const step = { step: id, ...nameOf(id) };
    entries.push({ atMs: note.startedMs, entry: { ...step, what: 'started' } });
    for (const { attempt, atMs, message, worker } of note.failures ?? []) {
      const isLast = attempt === note.attempt && record.status === 'failed';
      if (!isLast) entries.push({ atMs, entry: { ...step, what: 'retried', attempt, message, worker } });
    }
    const attempt = note.attempt === 0 ? undefined : note.attempt;
    if (note.takenMs !== undefined) {
      entries.push({ atMs: note.takenMs, entry: { ...step, what: 'taken', attempt, worker: note.worker } });
    }
    if (note.endedMs !== undefined) {
      const message = record.error?.message;
      entries.push({
        atMs: note.endedMs,
        entry: { ...step, what: record.status, attempt, worker: note.worker, message },
      });
    }
  }
  return entries
    .map((entry, index) => ({ ...entry, index }))
    .sort((one, other) => one.atMs - other.atMs || rankOf(one) - rankOf(other) || one.index - other.index)
    .map(({ atMs, entry }, index) => ({ id: String(index), at: isoOf(atMs), ...withoutAbsent(entry) }));
}

/** Of what happened at one time: an execution ends after its steps. */
function rankOf({ entry }: { readonly entry: { readonly step?: StepId; readonly what: string } }): number {
  return entry.step === undefined && ['completed', 'failed', 'stopped'].includes(entry.what) ? 1 : 0;
}

/** Steps in the order of the text; items of maps after their map. */
function orderedIds({ steps }: TaskExecution): readonly StepId[] {
  const shown = [...steps].filter(([id, { node }]) => isShown(node, id));
  return shown.map(([id]) => id).sort(compareIds);
}

/** Steps that nothing has reached yet, outside of maps and of branches for failures. */
function waitingIds({ reader, steps, outcome }: TaskExecution): readonly StepId[] {
  if (outcome?.status === 'completed') return [];
  const isOpen = (index: number): boolean => {
    const { kind, region } = reader.node(index);
    const status = steps.get(`${index}`)?.status;
    if (kind === 'catch' || kind === 'finally' || kind === 'map') return false;
    return index === 0 || ((status === undefined || status === 'running' || status === 'failed') && isOpen(region));
  };
  return reader.graph.nodes
    .filter((node) => isShown(node, '') && !branches.has(node.kind) && isOpen(node.region))
    .map(({ index }) => `${index}`)
    .filter((id) => !steps.has(id));
}

const branches: ReadonlySet<string> = new Set(['catch', 'finally']);

function compareIds(one: StepId, other: StepId): number {
  const [first, second] = [parseStepId(one), parseStepId(other)];
  if (first === undefined || second === undefined) return 0;
  return first.index - second.index || compareItems(first.items, second.items);
}

function compareItems(one: readonly number[], other: readonly number[]): number {
  for (const [at, item] of one.entries()) {
    const difference = item - (other[at] ?? -1);
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}

function isShown({ kind }: TaskNode, id: StepId): boolean {
  return kind !== 'start' && kind !== 'sink' && !(kind === 'map' && id.includes('['));
}

function stepOf(id: StepId, { reader, steps }: TaskExecution, { notes, state }: ExecutionSnapshot): ExecutionStep {
  const record = steps.get(id);
  const node = record?.node ?? reader.node(Number(id));
  const { status, input, output, error } = record ?? { status: 'waiting' as const };
  const note = notes[id];
  const base = node.kind === 'task' ? formatTaskName(parseTaskName(node.base)) : undefined;
  return {
    step: id,
    index: node.index,
    name: reader.nameOf(node),
    ...(base === undefined ? {} : { task: base }),
    kind: node.kind,
    status,
    attempts: note?.attempt ?? 0,
    ...(note === undefined ? {} : timesOf(note)),
    ...(status === 'running' && note !== undefined ? waitsOf(node, note) : {}),
    ...('parameters' in node && node.parameters !== undefined ? { parameters: node.parameters } : {}),
    ...(node.kind === 'approval' ? { parameters: { title: node.title, form: node.form } } : {}),
    ...(input === undefined ? {} : { input }),
    ...(record?.emitted === 'value' && output !== undefined ? { output } : {}),
    ...(error === undefined ? {} : { error: errorOf(error) }),
    ...(node.kind === 'map' && record !== undefined ? { items: itemsOf(id, record, state.steps) } : {}),
  };
}

function timesOf({ startedMs, endedMs, worker }: StepNote): Partial<ExecutionStep> {
  return {
    startedAt: isoOf(startedMs),
    ...(endedMs === undefined ? {} : { endedAt: isoOf(endedMs) }),
    ...(worker === undefined ? {} : { worker }),
  };
}

/** The title and the fields of the form: `Release? fields: amount (number), level (low or high, optional)`. */
function describeApproval({ title, form }: Extract<TaskNode, { readonly kind: 'approval' }>): string {
  const fields = Object.entries(form).map(([name, { type, enum: choices = [], required }]) => {
    const kind = type === 'enum' ? choices.join(' or ') : type;
    return `${name} (${kind}${required ? '' : ', optional'})`;
  });
  return fields.length === 0 ? title : `${title}; fields: ${fields.join(', ')}`;
}

/** Why a running step does not run right now. */
function waitsOf(node: TaskNode, note: StepNote): Pick<ExecutionStep, 'waits'> {
  const until = note.dueMs === undefined ? {} : { until: isoOf(note.dueMs) };
  if (node.kind === 'approval') return { waits: { for: 'approval', message: describeApproval(node), ...until } };
  if (node.kind !== 'task') return {};
  if (node.base === 'wait:delay') return { waits: { for: 'delay', message: 'a time', ...until } };
  if (node.base.startsWith('wait:'))
    return { waits: { for: node.base === 'wait:event' ? 'event' : 'latch', message: node.base } };
  if (note.dueMs !== undefined) {
    const last = note.failures?.at(-1);
    return { waits: { for: 'retry', message: `attempt ${note.attempt} failed: ${last?.message ?? ''}`, ...until } };
  }
  if (isEndedByCallee(node) && note.takenMs !== undefined)
    return { waits: { for: 'report', message: `${node.base}: whoever was called has not reported its end` } };
  if (note.takenMs !== undefined || note.sentMs === undefined) return {};
  return { waits: { for: 'worker', message: `no worker has taken ${node.base} yet`, since: isoOf(note.sentMs) } };
}

function isEndedByCallee({ base, parameters }: TaskStepNode): boolean {
  return base.startsWith('request:') && (parameters as { readonly sync?: unknown } | undefined)?.sync === false;
}

function errorOf({ code, message, step, attempts, details }: StepError): NonNullable<ExecutionStep['error']> {
  return withoutAbsent({ code, message, step, attempts, details });
}

function itemsOf(
  id: StepId,
  { input, node }: StepRecord,
  states: { readonly [id: StepId]: StepState },
): NonNullable<ExecutionStep['items']> {
  const total = Array.isArray(input) ? input.length : 0;
  const counts = { total, succeeded: 0, failed: 0, running: 0 };
  const prefix = id.slice(String(node.index).length);
  for (let item = 0; item < total; item += 1) {
    const status = states[`${node.index}${prefix}[${item}]`]?.status;
    if (status === 'succeeded' || status === 'failed' || status === 'running') counts[status] += 1;
  }
  return counts;
}

function withoutAbsent<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;
}
