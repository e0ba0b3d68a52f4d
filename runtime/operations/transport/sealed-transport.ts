import nacl from 'tweetnacl';
import { z } from 'zod';
import { ConfigError } from '../../../lib/errors';
import { ValidationError } from '../messages/operation-error';
import type { Delivery, StoredValue, Transport } from './transport';

const keyVariable = 'KFLOW_SECRETBOX_KEY';
const keyBytes = 32;

const envelopeSchema = z.object({ data: z.base64(), nonce: z.base64() });

/** libsodium's secretbox (XSalsa20-Poly1305) in the envelope `{"data": …, "nonce": …}`, both in base64. */
export class Secretbox {
  private readonly key: Uint8Array;

  /** The key is 32 bytes in base64. Throws ConfigError for another. */
  constructor(key: string) {
    this.key = new Uint8Array(Buffer.from(key, 'base64'));
    if (this.key.length === keyBytes && z.base64().safeParse(key).success) return;
    throw new ConfigError('config-invalid', `${keyVariable}: want ${keyBytes} bytes in base64`, { where: keyVariable });
  }

  encrypt(payload: Uint8Array): string {
    const nonce = nacl.randomBytes(nacl.secretbox.nonceLength);
    const data = nacl.secretbox(new Uint8Array(payload), nonce, this.key);
    return JSON.stringify({ data: base64(data), nonce: base64(nonce) });
  }

  /** Throws ValidationError for what is no envelope, or of another key. */
  decrypt(text: string): string {
    const opened = this.open(text);
    if (opened === null) throw new ValidationError('message: cannot be decrypted; is it encrypted, with the same key?');
    return Buffer.from(opened).toString();
  }

  private open(text: string): Uint8Array | null {
    try {
      const { data, nonce } = envelopeSchema.parse(JSON.parse(text));
      return nacl.secretbox.open(bytes(data), bytes(nonce), this.key);
    } catch {
      return null; // no envelope: refused as one of another key
    }
  }
}

/** A transport whose payloads, results and values are encrypted. Topics and ids are not. */
class SealedTransport implements Transport {
  constructor(
    private readonly inner: Transport,
    private readonly box: Secretbox,
  ) {}

  publish(topic: string, payload: Uint8Array, id?: string): Promise<void> {
    return this.inner.publish(topic, Buffer.from(this.box.encrypt(payload)), id);
  }

  publishResult(topic: string, payload: Uint8Array, id?: string): Promise<void> {
    return this.inner.publishResult(topic, Buffer.from(this.box.encrypt(payload)), id);
  }

  async next(topics: readonly string[], timeoutMs: number): Promise<Delivery | undefined> {
    const delivery = await this.inner.next(topics, timeoutMs);
    if (delivery === undefined) return undefined;
    const { topic, sequence, deliveries } = delivery;
    const payload = async () => this.box.decrypt(await delivery.payload());
    return { topic, sequence, deliveries, payload, ack: () => delivery.ack(), release: () => delivery.release() };
  }

  async load(key: string): Promise<StoredValue | undefined> {
    const found = await this.inner.load(key);
    return found === undefined ? undefined : { ...found, value: this.box.decrypt(found.value) };
  }

  save(key: string, { value, revision }: StoredValue): Promise<number | undefined> {
    return this.inner.save(key, { value: this.box.encrypt(Buffer.from(value)), revision });
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

/** The transport, encrypted if KFLOW_SECRETBOX_KEY has a key. Throws ConfigError for a key that is none. */
export function seal(transport: Transport, env: NodeJS.ProcessEnv): Transport {
  const { [keyVariable]: key = '' } = env;
  return key === '' ? transport : new SealedTransport(transport, new Secretbox(key));
}

function base64(data: Uint8Array): string {
  return Buffer.from(data).toString('base64');
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}
