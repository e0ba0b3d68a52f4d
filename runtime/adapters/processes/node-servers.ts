import type { MachineServers, NamedServer, Substitute } from '../../controller/ports/machine-servers';
import { NodeConnection } from './node-connection';

/** What was decided about a server. */
export interface Decision extends NamedServer {
  /** Absent: the server itself. */
  readonly substitute?: Substitute;
}

/** Who decides what takes the place of servers: the process that starts them. */
export interface ServerDecisions {
  all(): readonly Decision[];
  decide(server: NamedServer): Promise<Decision>;
}

/** Nothing takes the place of any server. */
export const noSubstitutes: ServerDecisions = { all: () => [], decide: async (server) => server };

/** The servers beside a process node, as the node's process decides about them. */
export class NodeServers implements MachineServers {
  private readonly decided = new Map<string, Substitute | undefined>();

  private constructor(private readonly node: NodeConnection) {}

  static async open(socketPath: string): Promise<NodeServers> {
    const servers = new NodeServers(new NodeConnection(socketPath));
    const decisions = await servers.node.request<readonly Decision[]>({ method: 'GET', path: '/servers' });
    for (const decision of decisions) servers.add(decision);
    return servers;
  }

  async decide(server: NamedServer): Promise<Substitute | undefined> {
    if (!this.decided.has(keyOf(server))) {
      this.add(await this.node.request<Decision>({ method: 'PUT', path: '/servers', body: server }));
    }
    return this.of(server);
  }

  of(server: NamedServer): Substitute | undefined {
    return this.decided.get(keyOf(server));
  }

  private add({ substitute, ...server }: Decision): void {
    this.decided.set(keyOf(server), substitute);
  }
}

function keyOf({ connectsTo, addr = '' }: NamedServer): string {
  return `${connectsTo} ${addr}`;
}
