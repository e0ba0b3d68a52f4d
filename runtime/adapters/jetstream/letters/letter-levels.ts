import type { JetStreamManager } from 'nats';
import type { FunctionSpec } from '../../../../lib/plan/function-spec';
import { redriveStream, redriveSubject } from '../../../../lib/plan/names';
import { lettersBefore } from '../read-run';
import { ignoreMissing } from '../retry-request';
import { countLetters, oldestLetterOf } from './letter-counts';

/** How many dead letters a function has, and how old. */
export interface LetterLevels {
  readonly dead: number;
  /** Those that are being processed again. */
  readonly redriving: number;
  readonly oldestSeconds: number;
}

/** The dead letters of a function in the current run, for its metrics. */
export async function letterLevels(manager: JetStreamManager, spec: FunctionSpec): Promise<LetterLevels> {
  const { stream, subject } = spec.deadLetters;
  const after = await lettersBefore(manager, spec.stateBucket);
  const dead = await countLetters(manager, spec.deadLetters, after);
  if (dead === 0) return { dead, redriving: 0, oldestSeconds: 0 };
  const oldest = await oldestLetterOf(manager, stream, { subject, after });
  const own = { subjects_filter: redriveSubject(spec, spec.function) };
  const queue = await ignoreMissing(manager.streams.info(redriveStream(spec), own));
  return {
    dead,
    redriving: Object.keys(queue?.state.subjects ?? {}).length,
    oldestSeconds: oldest === undefined ? 0 : Math.max(0, (Date.now() - Date.parse(oldest)) / 1_000),
  };
}
