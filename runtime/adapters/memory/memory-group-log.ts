import type { Delivery } from '../../engine/ports/delivery';
import type { GroupLog, LoggedGroup, RecordGroup } from '../../engine/ports/group-log';

interface SharedGroup extends RecordGroup {
  readonly names: ReadonlySet<string>;
  isStored: boolean;
}

/** The groups of a function, which its replicas share. */
export class MemoryGroups {
  readonly groups: SharedGroup[] = [];
}

export interface MemoryGroupLogProps {
  /** Whether the output stream has an output; default: a stream that drops a repetition is asked for none. */
  readonly hasOutput?: (id: string) => boolean;
  /** Whether the replica was killed: what it still does is lost. */
  readonly isLost?: () => boolean;
}

/** The group log of one replica, in memory. */
export class MemoryGroupLog implements GroupLog {
  private readonly logged = new Map<SharedGroup, LoggedGroup>();

  constructor(
    readonly shared = new MemoryGroups(),
    private readonly props: MemoryGroupLogProps = {},
  ) {}

  async write({ records, outputs }: RecordGroup): Promise<LoggedGroup | undefined> {
    const names = new Set(records.map(nameOf));
    const isTaken = this.shared.groups.some((other) => [...names].some((name) => other.names.has(name)));
    if (isTaken || this.props.isLost?.() === true) return undefined;
    const shared = { records, outputs, names, isStored: false };
    this.shared.groups.push(shared);
    return this.loggedOf(shared);
  }

  async find(record: Delivery): Promise<LoggedGroup | undefined> {
    const found = this.shared.groups.find(({ names }) => names.has(nameOf(record)));
    return found === undefined ? undefined : this.loggedOf(found);
  }

  async close(): Promise<void> {}

  private loggedOf(group: SharedGroup): LoggedGroup {
    const { hasOutput = () => false, isLost } = this.props;
    const logged: LoggedGroup = this.logged.get(group) ?? {
      missing: async () => (group.isStored ? [] : group.outputs.filter(({ id }) => !hasOutput(id))),
      stored: () => {
        if (isLost?.() !== true) group.isStored = true;
      },
    };
    this.logged.set(group, logged);
    return logged;
  }
}

function nameOf({ stream, sequence, redriven }: Delivery): string {
  return `${redriven?.writer ?? ''}:${stream}:${sequence}`;
}
