import { findController } from '../../client/controller-address';
import { ControllerClient } from '../../client/controller-client';
import { ControllerConnection } from '../../client/controller-connection';
import type { OutputFormat } from '../../render/output-format';
import { resolveFlow } from './resolve-flow';

/** Options that every command of flows takes. */
export interface FlowOptions {
  readonly namespace?: string;
  readonly output: OutputFormat;
  readonly url?: string;
  readonly token?: string;
}

/** Options of commands that change a flow. */
export interface ChangeOptions extends FlowOptions {
  readonly comment?: string;
  readonly wait?: true;
  /** Seconds. */
  readonly timeout?: number;
}

/** The client that a command line's options make, with the environment and the folder of this process. */
export async function openClient(options: FlowOptions & { readonly comment?: string }): Promise<ControllerClient> {
  const address = await findController(options, { env: process.env, folder: process.cwd() });
  return new ControllerClient(new ControllerConnection(address), options.comment);
}

/** The client, and the flow that is meant. */
export async function openFlow(job: string, options: FlowOptions & { readonly comment?: string }) {
  const client = await openClient(options);
  return { client, flow: await resolveFlow(client, job, options.namespace) };
}

/** A line for the person, beside what the command gives. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
