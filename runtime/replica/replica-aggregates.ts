import { Aggregates, type StateNotes } from '../engine/aggregates/aggregates';
import { writerIdOf } from '../engine/output-writer';
import type { ReaderContext } from './reader-links';
import { partOf, writerOf } from './replica-context';

/** The aggregates of this replica. `onLost` is called when the state of a batch is lost. */
export async function createAggregates(context: ReaderContext, onLost: () => void): Promise<Aggregates> {
  const { spec, environment, links, counters, tracer, log, stop } = context;
  const { replica } = environment;
  return new Aggregates({
    spec,
    origin: `${writerIdOf(spec)}:${await links.state.run()}:finish:${replica}:${Date.now().toString(36)}`,
    writer: links.writer,
    counters,
    tracer,
    log,
    onLost,
    noteLoss: (message, lost) => links.noteLoss(message, lost),
    ...(spec.mode === 'batch' ? { notes: notesOf(context) } : {}),
    stop,
    graceMs: environment.shutdownMs,
    limitMs: environment.isLongRunning ? Number.POSITIVE_INFINITY : spec.maxPollIntervalMs,
  });
}

/** The notes of this replica in the flow's state. */
function notesOf(context: ReaderContext): StateNotes {
  const { spec, environment, links } = context;
  const { replica } = environment;
  const { state } = links;
  return {
    hasEnded: () => state.hasEnded(writerOf(context), partOf(context)),
    lost: async () => {
      const noted = await state.notedStates(spec.function);
      // the replicas of an earlier count have all ended before this one started
      return noted.filter((each) => each === replica || each >= spec.replicas);
    },
    note: () => state.noteState(spec.function, replica),
    clear: () => state.clearState(spec.function, replica),
  };
}
