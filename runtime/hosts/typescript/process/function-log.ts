import { Writable } from 'node:stream';
import { formatWithOptions } from 'node:util';
import type { Logger } from '../../../../lib/define/sdk';
import type { LogLevel } from '../../../engine/ports/host';
import { Lines } from '../../framing/lines';
import type { Outbox } from './outbox';

const levels: readonly LogLevel[] = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'];

/**
 * Makes process.stdout and process.stderr, and so `console`, write to the log of the function: stdout at INFO, stderr at
 * WARNING. KFLOW_RUNTIME_LOG_LEVEL is the threshold; default INFO.
 */
export class FunctionLog {
  private readonly threshold: number;
  private readonly lines: readonly Lines[];
  /** What user code gets as `logger`. */
  readonly logger: Logger;
  /** The id of the record that is being processed. */
  currentRecord: () => number | undefined = () => undefined;

  constructor(
    private readonly outbox: Outbox,
    env: NodeJS.ProcessEnv,
  ) {
    const level = levels.indexOf((env.KFLOW_RUNTIME_LOG_LEVEL ?? '').toUpperCase() as LogLevel);
    this.threshold = level < 0 ? levels.indexOf('INFO') : level;
    this.lines = [this.redirect('stdout', 1, 'INFO'), this.redirect('stderr', 2, 'WARNING')];
    const at =
      (level: LogLevel) =>
      (...args: unknown[]) => {
        if (this.isLogged(level)) this.write(level, formatWithOptions({}, ...args));
      };
    this.logger = { debug: at('DEBUG'), info: at('INFO'), warn: at('WARNING'), error: at('ERROR') };
  }

  /** Sends printed text that does not end with a newline. */
  endLines(): void {
    for (const lines of this.lines) lines.end();
  }

  private redirect(name: 'stdout' | 'stderr', fd: number, level: LogLevel): Lines {
    const lines = new Lines((text) => this.write(level, text), 'write');
    const isLogged = this.isLogged(level);
    const stream = new Writable({
      decodeStrings: false,
      write: (chunk: string | Buffer, _encoding, done) => {
        if (isLogged) lines.write(chunk);
        done();
      },
    });
    Object.defineProperty(process, name, {
      value: Object.assign(stream, { fd }),
      configurable: true,
      enumerable: true,
    });
    return lines;
  }

  private write(level: LogLevel, text: string): void {
    this.outbox.log(level, text, this.currentRecord());
  }

  private isLogged(level: LogLevel): boolean {
    return levels.indexOf(level) >= this.threshold;
  }
}
