import { z } from 'zod';
import type { FlowKey } from '../../api-contract/flow-key';
import {
  type CanceledRedrive,
  canceledRedriveSchema,
  type LetterChange,
  type LetterDetail,
  type LetterFilter,
  type LetterGroup,
  type LetterPage,
  type LetterQuery,
  type LetterSelection,
  type LetterShowQuery,
  letterChangeSchema,
  letterDetailSchema,
  letterGroupSchema,
  letterPageSchema,
  type RedriveSelection,
  type RedriveView,
  redriveSchema,
} from '../../api-contract/letters';
import { flowPath, queryOf } from './controller-client';
import type { ControllerConnection } from './controller-connection';
import { readLines } from './event-stream';
import { JsonRoutes } from './json-routes';

/** The dead letters of flows: through a controller, or in the streams of a nats without one. */
export interface LetterAccess {
  list(flow: FlowKey, query: LetterQuery): Promise<LetterPage>;
  groups(flow: FlowKey, filter: LetterFilter): Promise<LetterGroup[]>;
  show(flow: FlowKey, letter: number, query?: LetterShowQuery): Promise<LetterDetail>;
  export(flow: FlowKey, filter: LetterFilter): AsyncIterable<LetterDetail>;
  redrive(flow: FlowKey, selection: RedriveSelection): Promise<LetterChange>;
  discard(flow: FlowKey, selection: LetterSelection): Promise<LetterChange>;
  restore(flow: FlowKey, selection: LetterSelection): Promise<LetterChange>;
  redrives(flow: FlowKey): Promise<RedriveView[]>;
  cancel(flow: FlowKey, redrive: string): Promise<CanceledRedrive>;
}

/** The routes of a controller for dead letters. Throws as `ControllerClient` does. */
export class LettersClient implements LetterAccess {
  private readonly routes: JsonRoutes;

  /** `comment`: reason for the audit log. */
  constructor(
    private readonly connection: ControllerConnection,
    comment?: string,
  ) {
    this.routes = new JsonRoutes(connection, comment);
  }

  list(flow: FlowKey, query: LetterQuery): Promise<LetterPage> {
    return this.routes.get(letterPageSchema, `${pathOf(flow)}${queryOf(query)}`);
  }

  groups(flow: FlowKey, filter: LetterFilter): Promise<LetterGroup[]> {
    return this.routes.get(z.array(letterGroupSchema), `${pathOf(flow)}/groups${queryOf(filter)}`);
  }

  show(flow: FlowKey, letter: number, query: LetterShowQuery = { raw: false }): Promise<LetterDetail> {
    return this.routes.get(letterDetailSchema, `${pathOf(flow)}/${letter}${queryOf(query)}`);
  }

  async *export(flow: FlowKey, filter: LetterFilter): AsyncGenerator<LetterDetail> {
    const path = `${pathOf(flow)}/export${queryOf(filter)}`;
    const body = await this.connection.stream(path, { accept: 'application/x-ndjson' });
    for await (const line of readLines(body)) if (line !== '') yield this.connection.checked(letterDetailSchema, line);
  }

  redrive(flow: FlowKey, selection: RedriveSelection): Promise<LetterChange> {
    return this.routes.post(letterChangeSchema, `${pathOf(flow)}/redrive`, selection);
  }

  discard(flow: FlowKey, selection: LetterSelection): Promise<LetterChange> {
    return this.routes.post(letterChangeSchema, `${pathOf(flow)}/discard`, selection);
  }

  restore(flow: FlowKey, selection: LetterSelection): Promise<LetterChange> {
    return this.routes.post(letterChangeSchema, `${pathOf(flow)}/restore`, selection);
  }

  redrives(flow: FlowKey): Promise<RedriveView[]> {
    return this.routes.get(z.array(redriveSchema), `${pathOf(flow)}/redrives`);
  }

  cancel(flow: FlowKey, redrive: string): Promise<CanceledRedrive> {
    return this.routes.post(
      canceledRedriveSchema,
      `${pathOf(flow)}/redrives/${encodeURIComponent(redrive)}/cancel`,
      {},
    );
  }
}

function pathOf(flow: FlowKey): string {
  return `${flowPath(flow)}/letters`;
}
