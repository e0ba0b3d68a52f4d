import { sourceConnector } from '../connectors/registry';
import type { OutputWriter } from '../engine/output-writer';
import type { FlowState } from '../engine/ports/flow-state';
import type { CreateHost, Host } from '../engine/ports/host';
import type { Publisher } from '../engine/ports/publisher';
import type { Lost, Source } from '../engine/ports/source';
import { noteLoss } from './note-loss';
import { hostOf, type ReplicaContext, sourceContext } from './replica-context';

/** Everything outside its process that a source works through. */
export interface SourceLinks {
  readonly writer: OutputWriter;
  readonly publisher: Publisher;
  readonly state: Pick<FlowState, 'hasEnded' | 'markPartEnded'>;
  /** Creates the host of the function's code. */
  readonly createHost: CreateHost;
  /** Opens the origin of the records; `host` runs the code of sources that have code. */
  openSource(host: Pick<Host, 'generate'>): Promise<Source>;
  /** Notes, for the status and the event log of the flow, what this replica has lost. */
  noteLoss(message: string, lost: Pick<Lost, 'count'>): Promise<void>;
}

/** A replica of a source, and what it works through. */
export type SourceReplica = Omit<ReplicaContext, 'links'> & { readonly links: SourceLinks };

/** The links of a source over JetStream and its own server. */
export function openSourceLinks(context: ReplicaContext): SourceLinks {
  const { spec, links } = context;
  return {
    writer: links.writer,
    publisher: links.publisher,
    state: links.state,
    createHost: (events) => hostOf(context, events),
    openSource: async (host) => sourceConnector(spec.type).open(await sourceContext(context, host)),
    noteLoss: (message, lost) => noteLoss(context, message, lost),
  };
}
