import type { KFlowError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import type { RecordWriter } from '../output-writer';
import type { Delivery } from '../ports/delivery';
import type { GroupLog, LoggedGroup } from '../ports/group-log';
import { writeGroup } from './write-group';

export interface GroupRecoveryPorts {
  readonly spec: Pick<FunctionSpec, 'output'>;
  readonly writer: RecordWriter;
  readonly log: GroupLog;
}

/** Completes groups whose replica ended between the log and the acks: stores what is missing of their outputs. */
export class GroupRecovery {
  /** By group; one that has failed is tried again at the next delivery. */
  private readonly completing = new Map<LoggedGroup, Promise<void>>();

  constructor(private readonly ports: GroupRecoveryPorts) {}

  /** Whether the record is in a group, all of whose outputs are stored now: it is acked, and does not run. */
  async wasAcked(record: Delivery): Promise<boolean> {
    const group = await this.ports.log.find(record);
    if (group === undefined) return false;
    const completion = this.completing.get(group) ?? this.complete(group);
    this.completing.set(group, completion);
    await completion.finally(() => this.completing.delete(group));
    return true;
  }

  private async complete(group: LoggedGroup): Promise<void> {
    const { writer, spec } = this.ports;
    const { output } = spec;
    if (output !== undefined) {
      const missing = await group.missing();
      await new Promise<void>((resolve, reject) => {
        const settle = (error: KFlowError | undefined) => (error === undefined ? resolve() : reject(error));
        writeGroup(
          writer,
          missing.map((each) => ({ ...each, output })),
          settle,
        );
      });
    }
    group.stored();
  }
}
