import { FunctionError } from '../../../lib/errors';
import type { Claim, ClaimSource, MessageStore } from '../../engine/claim';

/** The message store of a flow, in memory. */
export class MemoryPayloads implements MessageStore, ClaimSource {
  private readonly payloads = new Map<string, Uint8Array>();

  async put(key: string, payload: Uint8Array): Promise<Claim> {
    this.payloads.set(key, Uint8Array.from(payload));
    return { bucket: 'memory', key, bytes: payload.length };
  }

  async fetch({ key }: Claim): Promise<Uint8Array> {
    const payload = this.payloads.get(key);
    if (payload === undefined) throw new FunctionError('config-invalid', `no message store contains ${key}`);
    return payload;
  }
}
