import type { Language } from '../../lib/topology/document/language';
import type { Host, HostEvents, HostRecord } from '../engine/ports/host';
import type { HostFactory, HostOptions } from './host-factory';
import { pythonHost } from './python/host';
import { typeScriptHost } from './typescript/host';

/** The host of each language. A new language does not compile until it has one here. */
const hosts: { readonly [Each in Language]: HostFactory } = {
  python: pythonHost,
  typescript: typeScriptHost,
  javascript: typeScriptHost,
};

/** The host of a function's code. Without code or module, records pass through unchanged. */
export function createHost(options: HostOptions): Host {
  const { code, module, tasks, language } = options.spec;
  if (code === undefined && module === undefined && tasks === undefined) return new PassThroughHost(options.events);
  return hosts[language](options);
}

/** Runs no code: every record passes through unchanged. */
class PassThroughHost implements Host {
  readonly concurrency = 1;

  constructor(private readonly events: HostEvents) {}

  async open(): Promise<void> {}

  process(records: readonly HostRecord[]): void {
    for (const record of records) {
      void this.events.output(record.id, record.payload, '');
      this.events.done(record.id);
    }
  }

  generate(): never {
    throw new Error('a function without code generates no records');
  }

  release(): void {}

  async kill(): Promise<void> {}

  async close(): Promise<void> {}
}
