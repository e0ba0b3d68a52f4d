import { createServer, type Server } from 'node:http';
import { listenOnSocket } from './listen-on-socket';
import { NodeService } from './node-service';
import { WorkloadNode, type WorkloadNodeProps } from './workload-node';

export interface ProcessNodeOptions extends Omit<WorkloadNodeProps, 'isOfOneFlow'> {
  /** Path of a Unix socket, by which a ProcessCluster reaches the node. */
  readonly socketPath: string;
  readonly log?: (line: string) => void;
}

export interface RunningNode {
  /** Ends every replica within its grace time, or `atMostMs`; what was applied is started again by the next node. */
  close(atMostMs?: number): Promise<void>;
}

/**
 * Runs the workloads that `directory` keeps, and serves them on a socket. Throws ConfigError when another node has the
 * socket, or when a file of the directory cannot be read.
 */
export async function startProcessNode({ socketPath, log, ...props }: ProcessNodeOptions): Promise<RunningNode> {
  let service: NodeService | undefined;
  const server = createServer((request, response) => {
    // whoever asks before there is a node is cut off, and asks again
    if (service === undefined) response.destroy();
    else void service.answer(request, response);
  });
  await listenOnSocket(server, socketPath);
  const closing = new AbortController();
  try {
    const node = await WorkloadNode.open(props);
    service = new NodeService({ node, closing: closing.signal, log });
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

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
