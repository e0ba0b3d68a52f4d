import { timingSafeEqual } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { ConfigError } from '../../../../lib/errors';
import type { Log } from '../../../log';
import type { Authenticator } from './authenticator';
import type { Caller } from './caller';
import { digestOf, type KnownToken, readTokens } from './read-tokens';

/**
 * Tokens of a file.
 *
 * I1. What it knows is what the file said when it could last be read: a file that is broken or gone changes nothing, and
 *     the log says so once.
 * I2. A token is compared with all of them in the same time, whichever it is.
 */
export class TokenFile implements Authenticator {
  private known: readonly KnownToken[] = [];
  private version = '';

  private constructor(
    private readonly file: string,
    private readonly log: Log,
  ) {}

  /** Throws ConfigError with each line that is wrong, or when the file cannot be read. */
  static async open(file: string, log: Log): Promise<TokenFile> {
    const tokens = new TokenFile(file, log);
    tokens.version = await tokens.versionOfFile();
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
    const version = await this.versionOfFile();
    if (version === this.version) return;
    this.version = version;
    try {
      this.known = await this.read();
      this.log('INFO', `${this.file}: read again, ${this.known.length} tokens`);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.log('ERROR', `the tokens stay as they were, since their file is wrong:\n${error.message}`);
    }
  }

  private async read(): Promise<readonly KnownToken[]> {
    let text: string;
    try {
      text = await readFile(this.file, 'utf8');
    } catch (cause) {
      const message = `${this.file}: the file of tokens cannot be read: ${(cause as Error).message}`;
      throw new ConfigError('config-invalid', message, { cause });
    }
    return readTokens(text, this.file);
  }

  /** Tells one content from another: a mounted Secret changes by its link, an edited file by its time. */
  private async versionOfFile(): Promise<string> {
    try {
      const { ino, size, mtimeMs, ctimeMs } = await stat(this.file);
      return [ino, size, mtimeMs, ctimeMs].join(' ');
    } catch (error) {
      return `unreadable: ${(error as NodeJS.ErrnoException).code}`;
    }
  }
}
