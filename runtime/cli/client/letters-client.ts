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
import { type ControllerConnection, headerText } from './controller-connection';
import { readLines } from './event-stream';

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
  constructor(
    private readonly connection: ControllerConnection,
    /** Reason for the audit log. */
    private readonly comment?: string,
  ) {}

  list(flow: FlowKey, query: LetterQuery): Promise<LetterPage> {
    return this.get(letterPageSchema, `${pathOf(flow)}${queryOf(query)}`);
  }

  groups(flow: FlowKey, filter: LetterFilter): Promise<LetterGroup[]> {
    return this.get(z.array(letterGroupSchema), `${pathOf(flow)}/groups${queryOf(filter)}`);
  }

  show(flow: FlowKey, letter: number, query: LetterShowQuery = { raw: false }): Promise<LetterDetail> {
    return this.get(letterDetailSchema, `${pathOf(flow)}/${letter}${queryOf(query)}`);
  }

  async *export(flow: FlowKey, filter: LetterFilter): AsyncGenerator<LetterDetail> {
    const path = `${pathOf(flow)}/export${queryOf(filter)}`;
    const body = await this.connection.stream(path, { accept: 'application/x-ndjson' });
    for await (const line of readLines(body)) if (line !== '') yield this.connection.checked(letterDetailSchema, line);
  }

  redrive(flow: FlowKey, selection: RedriveSelection): Promise<LetterChange> {
    return this.post(letterChangeSchema, `${pathOf(flow)}/redrive`, selection);
  }

  discard(flow: FlowKey, selection: LetterSelection): Promise<LetterChange> {
    return this.post(letterChangeSchema, `${pathOf(flow)}/discard`, selection);
  }

  restore(flow: FlowKey, selection: LetterSelection): Promise<LetterChange> {
    return this.post(letterChangeSchema, `${pathOf(flow)}/restore`, selection);
  }

  redrives(flow: FlowKey): Promise<RedriveView[]> {
    return this.get(z.array(redriveSchema), `${pathOf(flow)}/redrives`);
  }

  cancel(flow: FlowKey, redrive: string): Promise<CanceledRedrive> {
    return this.post(canceledRedriveSchema, `${pathOf(flow)}/redrives/${encodeURIComponent(redrive)}/cancel`, {});
  }

  private async get<T>(schema: z.ZodType<T>, path: string): Promise<T> {
    return this.connection.json(schema, await this.connection.get(path));
  }

  private async post<T>(schema: z.ZodType<T>, path: string, body: object): Promise<T> {
    const headers = new Headers();
    if (this.comment !== undefined) headers.set('kflow-comment', headerText(this.comment));
    const document = { text: JSON.stringify(body), contentType: 'application/json' } as const;
    return this.connection.json(schema, await this.connection.send('POST', path, { document, headers }));
  }
}

function pathOf(flow: FlowKey): string {
  return `${flowPath(flow)}/letters`;
}
