import { randomUUID } from 'node:crypto';
import { countedRecords } from '../../../../lib/counted';
import { StateError } from '../../../../lib/errors';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { FlowStatus } from '../../../api-contract/flow-status';
import type {
  CanceledRedrive,
  LetterChange,
  LetterDetail,
  LetterFilter,
  LetterGroup,
  LetterPage,
  LetterQuery,
  LetterSelection,
  LetterShowQuery,
  RedriveSelection,
  RedriveView,
} from '../../../api-contract/letters';
import type { Letters } from '../../ports/letters';
import type { Buckets } from '../../ports/streams';
import type { FlowPlanner } from '../documents/flow-planner';
import { LetterDesk } from '../letters/letter-desk';
import type { FlowLetters } from '../ports/flow-letters';
import type { Requester } from '../ports/flow-service';
import type { FlowStore } from '../ports/flow-store';
import type { FlowWorkflows } from '../ports/flow-workflow';
import type { FlowWorkflowClient } from './flow-workflow-client';
import { MessageStores } from './message-stores';

export interface ControlledLettersProps {
  readonly letters: Letters;
  readonly store: FlowStore;
  readonly workflows: Pick<FlowWorkflows, 'observed'>;
  readonly client: Pick<FlowWorkflowClient, 'describe' | 'start'>;
  readonly statuses: { of(flow: FlowKey): Promise<FlowStatus> };
  readonly planner: Pick<FlowPlanner, 'topology' | 'plan'>;
  readonly buckets: Pick<Buckets, 'fetch'>;
  /** Image of functions without an image of their own. */
  readonly image: string;
}

/**
 * The dead letters of the controller's flows: every change is in the audit log, and a batch runs again what has ended.
 *
 * I1. Redriven letters are queued before the flow is told: a controller that is killed in between leaves a flow that processes
 *     them when it runs next.
 */
export class ControlledLetters implements FlowLetters {
  private readonly desk: LetterDesk;

  constructor(private readonly props: ControlledLettersProps) {
    this.desk = new LetterDesk(props.letters, new MessageStores(props));
  }

  async list(flow: FlowKey, query: LetterQuery): Promise<LetterPage> {
    await this.assertExists(flow);
    return this.desk.list(flow, query);
  }

  async groups(flow: FlowKey, query: LetterFilter): Promise<LetterGroup[]> {
    await this.assertExists(flow);
    return this.desk.groups(flow, query);
  }

  async show(flow: FlowKey, letter: number, query?: LetterShowQuery): Promise<LetterDetail> {
    await this.assertExists(flow);
    return this.withRevision(flow, await this.desk.show(flow, letter, query));
  }

  export(flow: FlowKey, query: LetterFilter): AsyncIterable<LetterDetail> {
    return this.desk.export(flow, query);
  }

  async redrive(flow: FlowKey, selection: RedriveSelection, requester: Requester): Promise<LetterChange> {
    await this.assertExists(flow);
    const change = await this.desk.redrive(flow, selection, requester);
    if (change.redrive === undefined) return change;
    await this.note(flow, requester, { what: 'redrive', message: `${textOf(change)}, redrive ${change.redrive}` });
    const waits = await this.runAgain(flow, requester);
    return waits === undefined ? change : { ...change, waits };
  }

  async discard(flow: FlowKey, selection: LetterSelection, requester: Requester): Promise<LetterChange> {
    await this.assertExists(flow);
    const change = await this.desk.discard(flow, selection, requester);
    await this.noteMove(flow, requester, { what: 'discard', change });
    return change;
  }

  async restore(flow: FlowKey, selection: LetterSelection, requester: Requester): Promise<LetterChange> {
    await this.assertExists(flow);
    const change = await this.desk.restore(flow, selection, requester);
    await this.noteMove(flow, requester, { what: 'restore', change });
    return change;
  }

  async redrives(flow: FlowKey): Promise<RedriveView[]> {
    await this.assertExists(flow);
    return this.desk.redrives(flow);
  }

  async cancel(flow: FlowKey, redrive: string, requester: Requester): Promise<CanceledRedrive> {
    await this.assertExists(flow);
    const canceled = await this.desk.cancel(flow, redrive);
    const message = `${redrive}: ${countedRecords(canceled.canceled)} not begun`;
    await this.note(flow, requester, { what: 'cancel-redrive', message });
    return canceled;
  }

  /** Throws StateError `flow-missing`. */
  private async assertExists(flow: FlowKey): Promise<void> {
    await this.props.statuses.of(flow);
  }

  /** The revision and the image of a letter's function at the time of its failure. */
  private async withRevision(flow: FlowKey, letter: LetterDetail): Promise<LetterDetail> {
    const { store, planner, image } = this.props;
    const record = await store.record(flow);
    const revision = record?.revisions.findLast(({ at }) => at <= letter.failedAt);
    if (revision === undefined) return letter;
    const { number, digest } = revision;
    const topology = await planner.topology(flow, digest).catch(() => undefined); // the document is gone
    const own = topology?.dag.find(({ id }) => id === letter.function);
    if (own === undefined) return { ...letter, revision: number };
    return { ...letter, revision: number, image: own.image ?? image };
  }

  /**
   * Makes a batch run functions again that have ended. Resolves with the reason why the letters have to wait: a flow that was
   * stopped or has failed processes them when it is submitted again.
   */
  private async runAgain(flow: FlowKey, requester: Requester): Promise<string | undefined> {
    const { store, workflows, client } = this.props;
    const view = await client.describe(flow);
    if (view?.isOpen === true) {
      if (view.memo?.mode === 'batch') await workflows.observed(flow);
      const isPaused = view.memo?.phase === 'Paused' || view.memo?.phase === 'Pausing';
      return isPaused ? 'the flow is paused; resume it' : undefined;
    }
    const record = await store.record(flow);
    const last = record?.revisions.at(-1);
    const status = record?.closed?.status;
    if (status !== 'Completed' || last === undefined) return `the flow is ${status ?? 'closed'}; submit it again`;
    try {
      await client.start(flow, { digest: last.digest, mode: 'batch' }, { record, requester });
    } catch (error) {
      // somebody has submitted the flow meanwhile: it processes the letters
      if (!(error instanceof StateError && error.code === 'flow-exists')) throw error;
    }
    return undefined;
  }

  private async noteMove(
    flow: FlowKey,
    requester: Requester,
    { what, change }: { readonly what: string; readonly change: LetterChange },
  ): Promise<void> {
    if (change.isDryRun || change.letters === 0) return;
    await this.note(flow, requester, { what, message: textOf(change) });
  }

  private async note(
    flow: FlowKey,
    { by, comment }: Requester,
    { what, message }: { readonly what: string; readonly message: string },
  ): Promise<void> {
    const at = new Date().toISOString();
    const reason = comment === undefined ? {} : { comment };
    await this.props.store.addEvent({ ...flow, id: randomUUID(), at, kind: 'audit', what, by, message, ...reason });
  }
}

/** The letters of a change, as in `map (3 records), sink (1 record)`. */
function textOf({ functions }: LetterChange): string {
  return Object.entries(functions)
    .map(([id, count]) => `${id} (${countedRecords(count)})`)
    .join(', ');
}
