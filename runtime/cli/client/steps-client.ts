import type { z } from 'zod';
import { parseExactJson, renderExactJson } from '../../../lib/topology/avro/exact-json';
import type { FlowKey } from '../../api-contract/flow-key';
import {
  droppedSchema,
  type SimulateRequest,
  type Step,
  type StepList,
  type Steps,
  stepListSchema,
  stepSchema,
  stepsSchema,
} from '../../api-contract/steps';
import { flowPath } from './controller-client';
import { type ControllerConnection, headerText } from './controller-connection';

/** The records of one flow that runs step by step: through a controller, or in the store of a run on this machine. */
export interface StepAccess {
  list(): Promise<StepList>;
  show(functionId: string, name: string): Promise<Step>;
  step(functionId: string, name: string, records?: readonly unknown[]): Promise<Step>;
  edit(functionId: string, name: string, records: readonly unknown[]): Promise<Step>;
  next(functionId: string, name: string): Promise<Steps>;
  runTo(functionId: string, name: string, to: string): Promise<Steps>;
  drop(functionId: string, name: string): Promise<void>;
  simulate(request: SimulateRequest): Promise<Step>;
}

/** The routes of a controller for steps. Throws as `ControllerClient` does. */
export class StepsClient implements StepAccess {
  constructor(
    private readonly connection: ControllerConnection,
    private readonly flow: FlowKey,
    /** Reason for the audit log. */
    private readonly comment?: string,
  ) {}

  async list(): Promise<StepList> {
    return this.exact(stepListSchema, await this.connection.get(this.path()));
  }

  async show(functionId: string, name: string): Promise<Step> {
    const path = `${this.path(functionId)}?name=${encodeURIComponent(name)}`;
    return this.exact(stepSchema, await this.connection.get(path));
  }

  step(functionId: string, name: string, records?: readonly unknown[]): Promise<Step> {
    return this.post(stepSchema, this.path(functionId, 'step'), { name, records });
  }

  edit(functionId: string, name: string, records: readonly unknown[]): Promise<Step> {
    return this.post(stepSchema, this.path(functionId, 'edit'), { name, records });
  }

  next(functionId: string, name: string): Promise<Steps> {
    return this.post(stepsSchema, this.path(functionId, 'next'), { name });
  }

  runTo(functionId: string, name: string, to: string): Promise<Steps> {
    return this.post(stepsSchema, this.path(functionId, 'run-to'), { name, to });
  }

  async drop(functionId: string, name: string): Promise<void> {
    await this.post(droppedSchema, this.path(functionId, 'drop'), { name });
  }

  simulate(request: SimulateRequest): Promise<Step> {
    return this.post(stepSchema, '/kflows/devstore/v1', { ...request, ...this.flow });
  }

  private path(...steps: readonly string[]): string {
    return [`${flowPath(this.flow)}/steps`, ...steps.map(encodeURIComponent)].join('/');
  }

  private async post<T>(schema: z.ZodType<T>, path: string, body: object): Promise<T> {
    const headers = new Headers();
    if (this.comment !== undefined) headers.set('kflow-comment', headerText(this.comment));
    const document = { text: renderExactJson(body), contentType: 'application/json' } as const;
    return this.exact(schema, await this.connection.send('POST', path, { document, headers }));
  }

  /** A response with the longs of its records in full. */
  private async exact<T>(schema: z.ZodType<T>, response: Response): Promise<T> {
    const text = await response.text();
    this.connection.checked(schema, text);
    return parseExactJson(text) as T;
  }
}
