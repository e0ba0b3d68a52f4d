import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ConfigError } from '../../../../lib/errors';
import { stateBucket } from '../../../../lib/plan/names';
import type { NatsAccess } from '../../../../lib/plan/nats-access';
import { connectNats } from '../../../adapters/jetstream/access/connect-nats';
import { JetStreamFlowState } from '../../../adapters/jetstream/jetstream-flow-state';
import { JetStreamLetters } from '../../../adapters/jetstream/letters/jetstream-letters';
import { S3ObjectStore } from '../../../adapters/s3/object-store';
import type { S3Account } from '../../../adapters/s3/s3-clients';
import { type FlowKey, flowName, parseFlowName } from '../../../api-contract/flow-key';
import { LetterDesk } from '../../../controller/flows/letters/letter-desk';
import type { LargeRecords } from '../../../controller/ports/letters';
import { startNatsServer } from '../../../servers/nats-server';
import { type S3Server, startS3Server } from '../../../servers/s3-server';
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
const keepRuns = 'kflow run --keep processes them';

export interface LetterSessionOptions extends FlowOptions {
  readonly comment: string | undefined;
  /** The command waits for functions. */
  readonly wait: boolean;
  readonly natsUrl: string | undefined;
  readonly natsCredentials: string | undefined;
  readonly s3Url: string | undefined;
}

export interface LetterSession {
  readonly letters: LetterAccess;
  readonly flow: FlowKey;
  /**
   * Lets functions run again that have ended, with those behind them, and says what people have to do. Absent when a controller
   * does all of it.
   */
  readonly runAgain?: (functions: readonly string[]) => Promise<string | undefined>;
  close(): Promise<void>;
}

/**
 * Opens the letters that `job` names: in the nats of --nats-url, in that of a `kflow run` in this folder, else those of the
 * controller.
 */
export async function openLetters(job: string, options: LetterSessionOptions): Promise<LetterSession> {
  const { natsUrl, natsCredentials, s3Url } = options;
  if (natsUrl !== undefined) {
    if (options.url !== undefined) throw usageError('--nats-url and --url: want one of the two');
    const records = s3Url === undefined ? unnamedStore : recordsIn({ addr: s3Url });
    return openNats(ownNats(natsUrl, natsCredentials), { job, options, runAgain: reopenJobs, records });
  }
  if (natsCredentials !== undefined) throw usageError('--nats-credentials requires --nats-url');
  if (s3Url !== undefined) throw usageError('--s3-url requires --nats-url');
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
  const named = { job: flowName({ namespace: note.namespace, jobId }), options };
  if (note.isRunning) {
    return openNats(note.nats, { ...named, records: note.s3 === undefined ? undefined : recordsIn(note.s3) });
  }
  if (options.wait) throw usageError(`--wait: the run of ${named.job} has ended; ${keepRuns}`);
  const runAgain = async () => `functions that do not run process nothing: ${keepRuns}`;
  say(`letters of the last run, kept in ${note.isEmbedded ? path.relative('', folder) : note.nats.url}`);
  if (!note.isEmbedded) return openNats(note.nats, { ...named, runAgain });
  const login = mkdtempSync(path.join(tmpdir(), 'kflow-login-'));
  const { config, folder: credentials } = soleLogin(login);
  const server = await startNatsServer({
    dataDir: path.join(folder, 'servers', 'nats'),
    logFile: path.join(folder, 'logs', 'nats-letters.log'),
    config,
  });
  let store: S3Server | undefined;
  const stop = async () => {
    await Promise.all([server.stop(), store?.stop()]);
    rmSync(login, { recursive: true, force: true });
  };
  const records: LargeRecords = {
    fetch: async (flow, claim) => {
      store ??= await startS3Server({
        dataDir: path.join(folder, 'servers', 's3'),
        logFile: path.join(folder, 'logs', 's3-letters.log'),
      });
      return recordsIn({ addr: store.endpoint, user: store.user, password: store.password }).fetch(flow, claim);
    },
  };
  try {
    const session = await openNats({ url: server.url, credentials }, { ...named, runAgain, records });
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
    records,
  }: {
    readonly job: string;
    readonly options: LetterSessionOptions;
    readonly runAgain?: RunAgain;
    readonly records?: LargeRecords | undefined;
  },
): Promise<LetterSession> {
  const { namespace = 'default', comment } = options;
  const flow = parseFlowName(job) ?? { namespace, jobId: job };
  const connection = await connectNats(access, 'kflow dlq', { trouble: say }, connectTimeoutMs);
  const desk = new LetterDesk(await JetStreamLetters.open(connection), records);
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
  const close = () => connection.close();
  if (runAgain === undefined) return { letters, flow, close };
  return { letters, flow, close, runAgain: (functions) => runAgain({ connection, flow, functions }) };
}

type RunAgain = (of: {
  readonly connection: Awaited<ReturnType<typeof connectNats>>;
  readonly flow: FlowKey;
  readonly functions: readonly string[];
}) => Promise<string | undefined>;

/** The Jobs of a batch without a controller: nobody but their owner can create them again. */
const reopenJobs: RunAgain = async ({ connection, flow, functions }) => {
  const state = await JetStreamFlowState.of(connection, stateBucket(flow));
  const ended = await state.reopenBehind(functions);
  if (ended.length === 0) return undefined;
  const isOne = ended.length === 1;
  const selector = `kflow.io/job=${flow.jobId},kflow.io/function in (${ended.join(',')})`;
  return [
    `${ended.join(', ')}: ended before; delete ${isOne ? 'the Job' : 'the Jobs'}, and apply the manifests again:`,
    `  kubectl delete job --namespace ${flow.namespace} --selector '${selector}'`,
    '  kubectl apply -f FOLDER (Argo CD: sync, unless it has selfHeal)',
  ].join('\n');
};

/** Streams do not say where their object store is. */
const unnamedStore: LargeRecords = {
  fetch: async () => {
    throw new ConfigError('setting-missing', 'the record is large; give its object store with --s3-url');
  },
};

/** The large records in an object store. Without credentials, those of the environment count. */
function recordsIn(account: S3Account): LargeRecords {
  return {
    fetch: async (_flow, { bucket, key }) => {
      const store = new S3ObjectStore({ ...account, retryForMs: connectTimeoutMs });
      try {
        return await store.get(bucket, key);
      } finally {
        await store.close();
      }
    },
  };
}
