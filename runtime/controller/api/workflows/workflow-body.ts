import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { parseExactJson } from '../../../../lib/topology/avro/exact-json';
import { refusal } from './workflow-answers';

/** Body of a start, whichever content type it comes in. */
export const workflowStartSchema = z
  .strictObject({
    workflow: z.string().min(1).describe('the text of a task flow'),
    input: z.unknown().optional().describe('default: {}'),
    id: z.string().optional().describe('default: a new one'),
  })
  .meta({ id: 'StartWorkflow', examples: [{ workflow: 'A → B' }] });

/** A hook that reads JSON, or the text of a task flow alone. */
export async function readStartBody(request: FastifyRequest): Promise<void> {
  const text = typeof request.body === 'string' ? request.body : '';
  if (text.trim() === '') throw refusal('body: is empty; send {"workflow": "A → B"}, or the text of a task flow');
  const { 'content-type': type = '' } = request.headers;
  if (type.startsWith('text/')) request.body = { workflow: text };
  else request.body = parsed(text, type.startsWith('application/json'));
}

/** Without a type of its own, as curl sends it, the body is a task flow unless it is JSON. */
function parsed(text: string, mustBeJson: boolean): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    if (!mustBeJson) return { workflow: text };
    throw refusal(`body: must be JSON: ${(error as Error).message}`);
  }
}

/** A hook that reads a form with the parts `workflow`, a file or text, and `input`, JSON. */
export async function readStartForm(request: FastifyRequest): Promise<void> {
  const { 'content-type': type = '' } = request.headers;
  if (!type.startsWith('multipart/form-data') || !(request.body instanceof Uint8Array)) {
    throw refusal('body: send multipart/form-data with the part "workflow", for example with curl -F workflow=@FILE');
  }
  const form = await formOf(request.body, type);
  const workflow = await textOf(form.get('workflow'));
  const input = await textOf(form.get('input'));
  if (workflow === undefined) throw refusal('body: has no part "workflow"; send it with curl -F workflow=@FILE');
  request.body = { workflow, ...(input === undefined || input.trim() === '' ? {} : { input: inputOf(input) }) };
}

async function formOf(body: Uint8Array, type: string): Promise<FormData> {
  try {
    return await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData();
  } catch (error) {
    throw refusal(`body: is no valid form: ${(error as Error).message}`);
  }
}

async function textOf(part: File | string | null): Promise<string | undefined> {
  if (part === null) return undefined;
  return typeof part === 'string' ? part : part.text();
}

function inputOf(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    throw refusal(`input: must be JSON: ${(error as Error).message}`);
  }
}
