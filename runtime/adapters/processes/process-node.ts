import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { ConfigError } from '../../../lib/errors';
import { noSubstitutes, type ServerDecisions } from './node-servers';
import { NodeService } from './node-service';
import { WorkloadNode, type WorkloadNodeProps } from './workload-node';

/** The limit on macOS. */
const maxSocketPathBytes = 103;

export interface ProcessNodeOptions extends Omit<WorkloadNodeProps, 'isOfOneFlow'> {
  /** Path of the Unix socket that a ProcessCluster connects to. */
  readonly socketPath: string;
  /** Default: nothing takes the place of any server. */
  readonly servers?: ServerDecisions;
  readonly log?: (line: string) => void;
}

export interface RunningNode {
  /** Ends every replica within its grace time or `atMostMs`; the next node on the same directory restarts them. */
  close(atMostMs?: number): Promise<void>;
}

/**
 * Runs the workloads stored in `directory` and serves them on a Unix socket. Throws ConfigError when another process
 * serves the socket, or when a file in the directory cannot be read.
 */
export async function startProcessNode({
  socketPath,
  servers = noSubstitutes,
  log,
  ...props
}: ProcessNodeOptions): Promise<RunningNode> {
  let service: NodeService | undefined;
  const server = createServer((request, response) => {
    // a request that arrives before the node is open is dropped; the client retries
    if (service === undefined) response.destroy();
    else void service.answer(request, response);
  });
  await listenOnSocket(server, socketPath);
  const closing = new AbortController();
  try {
    const node = await WorkloadNode.open(props);
    service = new NodeService({ node, servers, closing: closing.signal, log });
    return {
      close: async (atMostMs) => {
        closing.abort();
        await closeServer(server);
        await node.close(atMostMs);
      },
    };
  } catch (error) {
    await closeServer(server);
    throw error;
  }
}

/**
 * Listens on a Unix socket that only this user can connect to, and replaces the socket of a dead process. Throws
 * ConfigError when a living process serves the socket, or when the path is too long.
 */
async function listenOnSocket(server: Server, socketPath: string): Promise<void> {
  if (Buffer.byteLength(socketPath) > maxSocketPathBytes) {
    const message = `${socketPath} is too long for a Unix socket (at most ${maxSocketPathBytes} bytes); use a directory with a shorter path`;
    throw new ConfigError('config-invalid', message);
  }
  mkdirSync(path.dirname(socketPath), { recursive: true });
  if (await isServed(socketPath)) {
    const message = `${socketPath} is in use by another process; end that process, or use another directory`;
    throw new ConfigError('config-invalid', message);
  }
  rmSync(socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new ConfigError('config-invalid', `cannot listen on ${socketPath}: ${cause.message}`, { cause }));
    });
    server.listen(socketPath, resolve);
  });
  chmodSync(socketPath, 0o600);
}

/** Whether a process accepts connections on the socket. */
function isServed(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // no such file, or a file that no process listens on
    socket.once('error', () => resolve(false));
  });
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
