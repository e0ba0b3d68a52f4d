import { timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ConfigError } from '../../../../lib/errors';
import type { Log } from '../../../log';
import type { Authenticator, Caller } from './caller';
import { fileVersion } from './file-version';
import { digestOf, type KnownToken, readTokens } from './read-tokens';

/**
 * Bearer tokens from a file, reloaded when the file changes.
 *
 * I1. The tokens in force are those of the last valid file: a broken or missing file changes nothing and is logged once.
 * I2. Every token takes the same time to compare: each digest is compared in full, and with all known digests.
 */
export class TokenFile implements Authenticator {
  private known: readonly KnownToken[] = [];
  private version = '';

  private constructor(
    private readonly file: string,
    private readonly log: Log,
  ) {}

  /** Throws ConfigError with every invalid line, or if the file cannot be read. */
  static async open(file: string, log: Log): Promise<TokenFile> {
    const tokens = new TokenFile(file, log);
    tokens.version = await fileVersion(file);
    tokens.known = await tokens.read();
    return tokens;
  }

  async identify(token: string): Promise<Caller | undefined> {
    await this.refresh();
    const digest = digestOf(token);
    const matching = this.known.filter((each) => timingSafeEqual(each.digest, digest));
    return matching[0]?.caller;
  }

  private async refresh(): Promise<void> {
    const version = await fileVersion(this.file);
    if (version === this.version) return;
    this.version = version;
    try {
      this.known = await this.read();
      this.log('INFO', `${this.file}: reloaded, ${this.known.length} tokens`);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.log('ERROR', `keeping the previous tokens, the token file is invalid:\n${error.message}`);
    }
  }

  private async read(): Promise<readonly KnownToken[]> {
    let text: string;
    try {
      text = await readFile(this.file, 'utf8');
    } catch (cause) {
      const message = `${this.file}: cannot read the token file: ${(cause as Error).message}`;
      throw new ConfigError('config-invalid', message, { cause });
    }
    return readTokens(text, this.file);
  }
}
