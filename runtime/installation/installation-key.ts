import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { ConfigError, StoreError } from '../../lib/errors';

const keyBytes = 32;
/** First bytes of everything sealed: a NUL, which no document contains, and the version of the format. */
const magic = Buffer.from([0x00, 0x6b, 0x66, 0x01]);
const idBytes = 8;
const nonceBytes = 12;
const tagBytes = 16;
const headerBytes = magic.length + idBytes + nonceBytes;
const cipher = 'aes-256-gcm';

interface SealingKey {
  readonly id: Buffer;
  readonly secret: Buffer;
}

/**
 * The secret of one installation of KFlow: what the controller stores is sealed with it, and credentials are derived from it.
 *
 * I1. A text of keys has one key a line, the newest first. The first one seals and every one opens, so keys are rotated by
 *     adding a line above.
 * I2. The last key, the oldest, is what everything is derived from: identities survive a rotation.
 * I3. Neither a key nor a sealed text appears in an error.
 */
export class InstallationKey {
  private constructor(
    private readonly root: Buffer,
    private readonly sealing: readonly [SealingKey, ...SealingKey[]],
  ) {}

  /** Reads a text of keys; `where` names it in errors. Empty lines and lines with a `#` are skipped. Throws ConfigError. */
  static parse(text: string, where: string): InstallationKey {
    const lines = text.split('\n').map((line) => line.trim());
    const keys = lines.flatMap((line, index) =>
      line === '' || line.startsWith('#') ? [] : [readKey(line, `${where}:${index + 1}`)],
    );
    const [first, ...others] = keys;
    if (first === undefined) {
      throw new ConfigError(
        'config-invalid',
        `${where}: contains no key; expected 32 random bytes as base64, one key a line`,
      );
    }
    return new InstallationKey(others.at(-1) ?? first, [sealingKey(first), ...others.map(sealingKey)]);
  }

  /** 32 bytes that only this installation can know, by purpose; the same at every call. */
  derive(purpose: string): Buffer {
    return expand(this.root, `derive ${purpose}`, keyBytes);
  }

  /** Names the installation where it claims something, without telling anything about the key. */
  get installation(): string {
    return this.derive('installation id').toString('hex').slice(0, 16);
  }

  /** Encrypts and authenticates. Only `open` with the same context reads it, so sealed values cannot be swapped. */
  seal(plain: Uint8Array, context: string): Buffer {
    const [{ id, secret }] = this.sealing;
    const header = Buffer.concat([magic, id, randomBytes(nonceBytes)]);
    const sealing = createCipheriv(cipher, secret, header.subarray(-nonceBytes));
    sealing.setAAD(Buffer.concat([header, Buffer.from(context)]));
    return Buffer.concat([header, sealing.update(plain), sealing.final(), sealing.getAuthTag()]);
  }

  /** Throws StoreError `seal-invalid` for anything that `seal` did not return for this context under one of the keys. */
  open(sealed: Uint8Array, context: string): Buffer {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
    const key = this.sealing.find(({ id }) => id.equals(idOf(bytes)));
    if (!isSealed(bytes) || key === undefined) {
      throw unreadable(context, 'it is sealed with a key that this installation does not have');
    }
    const header = bytes.subarray(0, headerBytes);
    const opening = createDecipheriv(cipher, key.secret, header.subarray(-nonceBytes));
    opening.setAAD(Buffer.concat([header, Buffer.from(context)]));
    opening.setAuthTag(bytes.subarray(-tagBytes));
    try {
      return Buffer.concat([opening.update(bytes.subarray(headerBytes, -tagBytes)), opening.final()]);
    } catch {
      throw unreadable(context, 'it was changed, or it belongs to another place'); // I3: the cause says no more
    }
  }

  /** Names the key that seals, without telling anything about it. */
  get id(): string {
    return this.sealing[0].id.toString('hex');
  }

  /** Names of all keys, the newest first. */
  get ids(): readonly string[] {
    return this.sealing.map(({ id }) => id.toString('hex'));
  }
}

/** A new text of keys: one line with 32 random bytes as base64. */
export function newInstallationKey(): string {
  return `${randomBytes(keyBytes).toString('base64')}\n`;
}

/** Whether the bytes have the form of sealed ones; a document never has it. */
export function isSealed(bytes: Uint8Array): boolean {
  return bytes.length >= headerBytes + tagBytes && magic.equals(bytes.subarray(0, magic.length));
}

function idOf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(magic.length, magic.length + idBytes);
}

function readKey(line: string, where: string): Buffer {
  const key = Buffer.from(line, 'base64');
  if (key.length === keyBytes && key.toString('base64') === line) return key;
  throw new ConfigError(
    'config-invalid',
    `${where}: not a key; expected 32 random bytes as base64 (openssl rand -base64 32)`,
  );
}

function sealingKey(key: Buffer): SealingKey {
  return { id: expand(key, 'key id', idBytes), secret: expand(key, 'seal', keyBytes) };
}

function expand(key: Buffer, info: string, length: number): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `kflow ${info}`, length));
}

function unreadable(context: string, why: string): StoreError {
  return new StoreError('seal-invalid', `${context}: cannot be opened with the installation key: ${why}`, {
    where: context,
  });
}
