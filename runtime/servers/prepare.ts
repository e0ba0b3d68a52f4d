import { KFlowError } from '../../lib/errors';
import { resolveServer } from './resolve-server';
import { readCatalog } from './server-catalog';

/**
 * `node dist/js/runtime/servers/prepare.js [name…]` downloads or builds the named servers, or all servers. Progress goes
 * to stderr, a line `<name> <path>` for each server to stdout.
 */
async function prepareServers(names: readonly string[]): Promise<void> {
  for (const name of names) {
    const started = Date.now();
    const server = await resolveServer(name, { progress: (line) => process.stderr.write(`${name}: ${line}\n`) });
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    process.stderr.write(`${name}: ready after ${seconds} s (source: ${server.source})\n`);
    process.stdout.write(`${name} ${server.path}\n`);
  }
}

const named = process.argv.slice(2);
prepareServers(named.length > 0 ? named : Object.keys(readCatalog())).catch((error: unknown) => {
  process.stderr.write(`${error instanceof KFlowError ? error.message : String((error as Error).stack)}\n`);
  process.exitCode = 1;
});
