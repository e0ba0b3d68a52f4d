import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Decision, ServerDecisions } from '../../../adapters/processes/node-servers';
import { Limit } from '../../../async/limit';
import type { NamedServer } from '../../../controller/ports/machine-servers';
import type { SearchServerProcess, startSearchServer } from '../../../servers/search-server';
import { substituteOf } from '../run/substitute';

const decidedSchema = z.array(
  z.object({
    connectsTo: z.enum(['search-server', 'nats-server']),
    addr: z.string().optional(),
    isReplaced: z.boolean(),
  }),
);
type Decided = z.infer<typeof decidedSchema>[number];

export interface StackSubstitutesProps {
  /** Keeps the decisions. */
  readonly file: string;
  readonly startSearch: () => ReturnType<typeof startSearchServer>;
  /** Called with the search server when it responds. */
  readonly onSearch: (server: SearchServerProcess) => void;
}

/**
 * What takes the place of the servers that the flows of a stack name. The search server is started for the first flow that
 * needs it, and with the stack from then on.
 *
 * I1. An address is decided about once: replicas that are restarted write to the server that the first one wrote to.
 */
export class StackSubstitutes implements ServerDecisions {
  private readonly decided: Decided[];
  private readonly oneAtATime = new Limit(1);
  private search: SearchServerProcess | undefined;

  constructor(private readonly props: StackSubstitutesProps) {
    const { file } = props;
    this.decided = existsSync(file) ? decidedSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : [];
  }

  /** Starts the search server if a flow has needed it before. */
  async start(): Promise<void> {
    if (this.decided.some(({ connectsTo, isReplaced }) => connectsTo === 'search-server' && isReplaced)) {
      await this.oneAtATime.run(() => this.startSearch());
    }
  }

  /** Where the search server is, if it runs. */
  place(): { readonly search?: string } {
    return this.search === undefined ? {} : { search: this.search.endpoint };
  }

  all(): readonly Decision[] {
    return this.decided.map((each) => this.decisionOf(each));
  }

  decide(server: NamedServer): Promise<Decision> {
    return this.oneAtATime.run(async () => {
      const { connectsTo, addr } = server;
      const known = this.decided.find((each) => each.connectsTo === connectsTo && each.addr === addr);
      if (known !== undefined) return this.decisionOf(known);
      const substitute = await substituteOf(server, () => this.startSearch());
      const decided = { ...server, isReplaced: substitute !== undefined };
      this.decided.push(decided);
      const { file } = this.props;
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, `${JSON.stringify(this.decided, null, 2)}\n`);
      return this.decisionOf(decided);
    });
  }

  async stop(): Promise<void> {
    await this.oneAtATime.run(async () => this.search?.stop());
  }

  private decisionOf({ isReplaced, ...server }: Decided): Decision {
    if (!isReplaced) return server;
    const addr = server.connectsTo === 'search-server' ? this.search?.endpoint : undefined;
    return { ...server, substitute: addr === undefined ? {} : { addr } };
  }

  private async startSearch(): Promise<SearchServerProcess> {
    if (this.search === undefined) {
      this.search = await this.props.startSearch();
      this.props.onSearch(this.search);
    }
    return this.search;
  }
}
