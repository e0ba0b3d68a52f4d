import { flowName } from '../../api-contract/flow-key';
import { flowOf } from './flow-labels';
import type { FlowPart } from './flow-part';
import type { WatchSink } from './kind-watch';
import type { ObjectMetadata } from './kubernetes-objects';

/** A part, and its text to detect changes. */
interface Entry {
  readonly part: FlowPart;
  readonly text: string;
}

/**
 * Parts of flows, by flow and by the uid of their objects.
 *
 * I1. The index contains the flows that have at least one part.
 * I2. `onChange` is called for a flow after each change of its parts, and after a list for every flow that has or had a
 *     part of that kind.
 */
export class FlowIndex {
  private readonly flows = new Map<string, Map<string, Entry>>();

  /** `onChange` receives the name of a flow. */
  constructor(private readonly onChange: (flow: string) => void) {}

  names(): readonly string[] {
    return [...this.flows.keys()];
  }

  parts(flow: string): readonly FlowPart[] {
    return [...(this.flows.get(flow)?.values() ?? [])].map(({ part }) => part);
  }

  part(flow: string, uid: string): FlowPart | undefined {
    return this.flows.get(flow)?.get(uid)?.part;
  }

  /** The sink for the objects of one kind. `read` returns undefined for objects to be ignored. */
  sink(read: (object: ObjectMetadata) => FlowPart | undefined): WatchSink<ObjectMetadata> {
    /** The flow of each object of this sink. */
    const own = new Map<string, string>();
    const drop = (uid: string) => {
      const flow = own.get(uid);
      own.delete(uid);
      return flow !== undefined && this.delete(flow, uid) ? flow : undefined;
    };
    const put = (object: ObjectMetadata) => {
      const uid = object.metadata.uid ?? '';
      const key = flowOf(object);
      const part = key && read(object);
      if (key === undefined || part === undefined) return drop(uid);
      const flow = flowName(key);
      own.set(uid, flow);
      return this.set(flow, uid, part) ? flow : undefined;
    };
    return {
      put: (object) => this.notify(put(object)),
      remove: ({ metadata }) => this.notify(drop(metadata.uid ?? '')),
      replace: (objects) => {
        const had = [...own];
        const present = new Set(objects.map(({ metadata }) => metadata.uid));
        for (const [uid] of had) if (!present.has(uid)) drop(uid);
        for (const object of objects) put(object);
        for (const flow of new Set([...had.map(([, flow]) => flow), ...own.values()])) this.onChange(flow);
      },
    };
  }

  private set(flow: string, uid: string, part: FlowPart): boolean {
    const entries = this.flows.get(flow) ?? new Map<string, Entry>();
    const text = JSON.stringify(part);
    if (entries.get(uid)?.text === text) return false;
    this.flows.set(flow, entries.set(uid, { part, text }));
    return true;
  }

  private delete(flow: string, uid: string): boolean {
    const entries = this.flows.get(flow);
    const had = entries?.delete(uid) ?? false;
    if (entries?.size === 0) this.flows.delete(flow);
    return had;
  }

  private notify(flow: string | undefined): void {
    if (flow !== undefined) this.onChange(flow);
  }
}
