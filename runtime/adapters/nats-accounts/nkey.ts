import { nkeys } from 'nats';
import { ConfigError } from '../../../lib/errors';

/** Who a key belongs to, with the prefix byte of its public key: `O…`, `A…`, `U…`. */
const prefixes = { operator: 112, account: 0, user: 160 } as const;
export type NkeyRole = keyof typeof prefixes;

const seedPrefix = 144;
const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** An Ed25519 key pair in the form that nats uses. The seed is a secret, and is not enumerable, so that no dump shows it. */
export class Nkey {
  private constructor(private readonly pair: ReturnType<typeof nkeys.fromSeed>) {
    Object.defineProperty(this, 'pair', { enumerable: false });
  }

  /** The key of 32 secret bytes: the same bytes are the same key. */
  static of(role: NkeyRole, secret: Uint8Array): Nkey {
    return new Nkey(nkeys.fromSeed(Buffer.from(encodeSeed(role, secret))));
  }

  /** Reads a seed as `nsc` and `nk` print it. `where` names it in errors, which do not show it. Throws ConfigError. */
  static parse(role: NkeyRole, seed: string, where: string): Nkey {
    try {
      const key = new Nkey(nkeys.fromSeed(Buffer.from(seed.trim())));
      if (key.publicKey.startsWith(role[0]?.toUpperCase() ?? '')) return key;
    } catch {
      // the cause would quote the seed
    }
    throw new ConfigError('config-invalid', `${where}: not the seed of an nkey of type ${role}`, { where });
  }

  get publicKey(): string {
    return this.pair.getPublicKey();
  }

  get seed(): string {
    return Buffer.from(this.pair.getSeed()).toString();
  }

  sign(data: string): Uint8Array {
    return this.pair.sign(Buffer.from(data));
  }
}

/** Two prefix bytes, the secret and a checksum in base32, which the library only offers for random keys. */
function encodeSeed(role: NkeyRole, secret: Uint8Array): string {
  const prefix = prefixes[role];
  const bytes = Buffer.from([seedPrefix | (prefix >> 5), (prefix & 31) << 3, ...secret, 0, 0]);
  bytes.writeUInt16LE(crc16(bytes.subarray(0, -2)), bytes.length - 2);
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xffff;
    for (bits += 8; bits >= 5; bits -= 5) text += base32[(value >> (bits - 5)) & 31];
  }
  return bits === 0 ? text : text + base32[(value << (5 - bits)) & 31];
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
