import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NatsAccess } from '../../../../lib/plan/nats-access';
import { connectNats } from '../../../adapters/jetstream/access/connect-nats';
import { JetStreamLetters } from '../../../adapters/jetstream/letters/jetstream-letters';
import { type FlowKey, flowName, parseFlowName } from '../../../api-contract/flow-key';
import { LetterDesk } from '../../../controller/flows/letters/letter-desk';
import { startNatsServer } from '../../../servers/nats-server';
import { ControllerConnection, userName } from '../../client/controller-connection';
import { findController } from '../../client/find-controller';
import { type FlowOptions, openFlow } from '../../client/flow-session';
import { type LetterAccess, LettersClient } from '../../client/letters-client';
import { usageError } from '../../frame/exit-status';
import { say } from '../../terminal/output';
import { ownNats, soleLogin } from '../run/local-servers';
import { type RunNote, readRunNote } from '../run/run-note';

/** How long to wait for a nats that does not answer. */
const connectTimeoutMs = 10_000;

export interface LetterSessionOptions extends FlowOptions {
  readonly comment: string | undefined;
  /** The command waits for functions. */
  readonly wait: boolean;
  readonly natsUrl: string | undefined;
  readonly natsCredentials: string | undefined;
}

export interface LetterSession {
  readonly letters: LetterAccess;
  readonly flow: FlowKey;
  /** What makes functions process redriven letters that do not run; undefined when a controller does. */
  readonly runAgain?: string;
  close(): Promise<void>;
}

/**
 * Opens the letters that `job` names: in the nats of --nats-url, in that of a `kflow run` in this folder, else those of the
 * controller.
 */
export async function openLetters(job: string, options: LetterSessionOptions): Promise<LetterSession> {
  const { natsUrl, natsCredentials } = options;
  if (natsUrl !== undefined) {
    if (options.url !== undefined) throw usageError('--nats-url and --url: want one of the two');
    const runAgain =
      'delete the Job of a function that has ended and apply it again, then, one after the other, those behind it';
    return openNats(ownNats(natsUrl, natsCredentials), { job, options, runAgain });
  }
  if (natsCredentials !== undefined) throw usageError('--nats-credentials requires --nats-url');
  const run = options.url === undefined && process.env.KFLOW_URL === undefined ? runOf(job) : undefined;
  if (run !== undefined) return openRun(run, options);
  const { flow } = await openFlow(job, options);
  const address = await findController(options, { env: process.env, folder: process.cwd() });
  const letters = new LettersClient(new ControllerConnection(address), options.comment);
  return { letters, flow, close: async () => undefined };
}

interface LocalRun {
  readonly folder: string;
  readonly jobId: string;
  readonly note: RunNote & { readonly isRunning: boolean };
}

function runOf(job: string): LocalRun | undefined {
  const key = parseFlowName(job);
  const jobId = key?.jobId ?? job;
  const folder = path.resolve('.kflow', jobId);
  const note = existsSync(folder) ? readRunNote(folder) : undefined;
  return note === undefined || (key !== undefined && key.namespace !== note.namespace)
    ? undefined
    : { folder, jobId, note };
}

/** The nats of a run; an embedded one that has ended is started for this command. */
async function openRun({ folder, jobId, note }: LocalRun, options: LetterSessionOptions): Promise<LetterSession> {
  const runAgain = 'kflow run --keep processes them';
  const named = { job: flowName({ namespace: note.namespace, jobId }), options };
  if (note.isRunning) return openNats(note.nats, named);
  if (options.wait) throw usageError(`--wait: the run of ${named.job} has ended; ${runAgain}`);
  say(`letters of the last run, kept in ${note.isEmbedded ? path.relative('', folder) : note.nats.url}`);
  if (!note.isEmbedded) return openNats(note.nats, { ...named, runAgain });
  const login = mkdtempSync(path.join(tmpdir(), 'kflow-login-'));
  const { config, folder: credentials } = soleLogin(login);
  const server = await startNatsServer({
    dataDir: path.join(folder, 'servers', 'nats'),
    logFile: path.join(folder, 'logs', 'nats-letters.log'),
    config,
  });
  const stop = async () => {
    await server.stop();
    rmSync(login, { recursive: true, force: true });
  };
  try {
    const session = await openNats({ url: server.url, credentials }, { ...named, runAgain });
    return { ...session, close: () => session.close().then(stop) };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function openNats(
  access: NatsAccess,
  {
    job,
    options,
    runAgain,
  }: { readonly job: string; readonly options: LetterSessionOptions; readonly runAgain?: string },
): Promise<LetterSession> {
  const { namespace = 'default', comment } = options;
  const flow = parseFlowName(job) ?? { namespace, jobId: job };
  const connection = await connectNats(access, 'kflow dlq', { trouble: say }, connectTimeoutMs);
  const desk = new LetterDesk(await JetStreamLetters.open(connection));
  const requester = { by: userName(), ...(comment === undefined ? {} : { comment }) };
  const letters: LetterAccess = {
    list: (...of) => desk.list(...of),
    groups: (...of) => desk.groups(...of),
    show: (...of) => desk.show(...of),
    export: (...of) => desk.export(...of),
    redrives: (...of) => desk.redrives(...of),
    cancel: (...of) => desk.cancel(...of),
    redrive: (of, selection) => desk.redrive(of, selection, requester),
    discard: (of, selection) => desk.discard(of, selection, requester),
    restore: (of, selection) => desk.restore(of, selection, requester),
  };
  return { letters, flow, close: () => connection.close(), ...(runAgain === undefined ? {} : { runAgain }) };
}
