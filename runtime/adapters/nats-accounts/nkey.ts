import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { ConfigError } from '../../../lib/errors';
import { fromBase32, toBase32 } from './base32';

/** Who a key belongs to, with the prefix byte of its public key: `O…`, `A…`, `U…`. */
const prefixes = { operator: 112, account: 0, user: 160 } as const;
export type NkeyRole = keyof typeof prefixes;

const seedPrefix = 144;
const secretBytes = 32;
const checksumBytes = 2;
/** What precedes the 32 bytes of an Ed25519 key in PKCS#8. */
const pkcs8Header = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * An Ed25519 key pair in the form that nats uses. The crypto of Node signs, which takes a hundredth of the time of the nats
 * client: a controller signs for each namespace and flow. No dump of the object shows the secret.
 */
export class Nkey {
  readonly publicKey: string;
  readonly #role: NkeyRole;
  readonly #secret: Uint8Array;
  readonly #key: KeyObject;

  private constructor(role: NkeyRole, secret: Uint8Array) {
    this.#role = role;
    this.#secret = secret;
    this.#key = createPrivateKey({ key: Buffer.concat([pkcs8Header, secret]), format: 'der', type: 'pkcs8' });
    const raw = createPublicKey(this.#key).export({ format: 'der', type: 'spki' }).subarray(-secretBytes);
    this.publicKey = encoded([prefixes[role]], raw);
  }

  /** The key of 32 secret bytes: the same bytes are the same key. */
  static of(role: NkeyRole, secret: Uint8Array): Nkey {
    return new Nkey(role, secret);
  }

  /** Reads a seed as `nsc` and `nk` print it. `where` names it in errors, which do not show it. Throws ConfigError. */
  static parse(role: NkeyRole, seed: string, where: string): Nkey {
    const bytes = fromBase32(seed.trim());
    const secret = bytes?.subarray(2, -checksumBytes);
    if (secret?.length === secretBytes) {
      const key = new Nkey(role, secret);
      if (key.seed === seed.trim()) return key;
    }
    throw new ConfigError('config-invalid', `${where}: not the seed of an nkey of type ${role}`, { where });
  }

  /** The secret bytes, as a file has them. */
  get seed(): string {
    const prefix = prefixes[this.#role];
    return encoded([seedPrefix | (prefix >> 5), (prefix & 31) << 3], this.#secret);
  }

  sign(data: string): Buffer {
    return sign(null, Buffer.from(data), this.#key);
  }
}

/** Prefix, key and checksum in base32. */
function encoded(prefix: readonly number[], key: Uint8Array): string {
  const bytes = Buffer.from([...prefix, ...key, 0, 0]);
  bytes.writeUInt16LE(crc16(bytes.subarray(0, -checksumBytes)), bytes.length - checksumBytes);
  return toBase32(bytes);
}

/** CRC-16/XMODEM. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
  }
  return crc & 0xffff;
}
