import { AckPolicy, DeliverPolicy, type JetStreamManager, nanos, type StreamInfo } from 'nats';
import { ignoreMissing } from '../retry-request';

/** Inactivity after which the server deletes a consumer that was created to count messages. */
const lookupExpiryMs = 5_000;

/** The subject of a function's dead letters, and the stream that stores them. */
export interface LetterPlace {
  readonly stream: string;
  readonly subject: string;
}

/**
 * The number of a function's dead letters after a sequence, as the stream has them now; 0 when the stream does not exist.
 * Exact, also after letters were removed.
 */
export async function countLetters(
  manager: JetStreamManager,
  { stream, subject }: LetterPlace,
  after: number,
): Promise<number> {
  const info = await ignoreMissing(manager.streams.info(stream, { subjects_filter: subject }));
  return info === undefined ? 0 : countLettersOf(manager, info, { subject, after });
}

/** As `countLetters`, from the stream's information with its subjects. */
export async function countLettersOf(
  manager: JetStreamManager,
  { config, state }: Pick<StreamInfo, 'config' | 'state'>,
  { subject, after }: { readonly subject: string; readonly after: number },
): Promise<number> {
  const total = state.subjects?.[subject] ?? 0;
  if (total === 0 || after < state.first_seq) return total;
  if (after >= state.last_seq) return 0;
  const { name, num_pending: found } = await manager.consumers.add(config.name, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: after + 1,
    filter_subject: subject,
    inactive_threshold: nanos(lookupExpiryMs),
    mem_storage: true,
  });
  await ignoreMissing(manager.consumers.delete(config.name, name));
  return found;
}

/** When the oldest of a function's letters after a sequence failed, as an ISO time; undefined without letters. */
export async function oldestLetterOf(
  manager: JetStreamManager,
  stream: string,
  { subject, after }: { readonly subject: string; readonly after: number },
): Promise<string | undefined> {
  const first = { seq: after + 1, next_by_subj: subject };
  const letter = await ignoreMissing(manager.streams.getMessage(stream, first));
  return letter === undefined ? undefined : letter.header?.get('Kflow-Failed-At') || letter.time.toISOString();
}
