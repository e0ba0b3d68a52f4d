import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnGuarded } from '../../../../runtime/adapters/processes/guard';
import { waitFor } from '../../../support/wait-for';

const directory = mkdtempSync(join(tmpdir(), 'kflow-guard-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Pids of the living members of a process group. */
function groupOf(pgid: number): Promise<number[]> {
  return new Promise((resolve) => {
    const ps = spawn('ps', ['-A', '-o', 'pid=,pgid=,stat=']);
    let text = '';
    ps.stdout.on('data', (chunk) => {
      text += chunk;
    });
    ps.once('close', () => {
      const rows = text.split('\n').map((line) => line.trim().split(/\s+/));
      const living = rows.filter(([, group, state]) => Number(group) === pgid && !state?.startsWith('Z'));
      resolve(living.map(([pid]) => Number(pid)));
    });
  });
}

/** Text of a stream up to its end, or up to `marker`. */
async function read(stream: NodeJS.ReadableStream | null, marker?: string): Promise<string> {
  let text = '';
  for await (const chunk of stream ?? []) {
    text += chunk;
    if (marker !== undefined && text.includes(marker)) break;
  }
  return text;
}

const groupEnds = (pgid: number) => waitFor(`group ${pgid} ends`, async () => (await groupOf(pgid)).length === 0);

describe('spawnGuarded', () => {
  it('passes arguments, environment and directory unchanged', async () => {
    const script = 'console.log(JSON.stringify([process.argv.slice(1), process.env.X, process.cwd()]))';
    const child = spawnGuarded({
      command: process.execPath,
      args: ['-e', script, "it's", '$HOME "x"', ''],
      env: { X: 'y z' },
      cwd: directory,
      stdout: 'pipe',
    });
    expect(JSON.parse(await read(child.stdout))).toEqual([["it's", '$HOME "x"', ''], 'y z', directory]);
    expect(await child.exited).toEqual({ code: 0, signal: null });
  });

  it('returns the pid of the command itself', async () => {
    const child = spawnGuarded({ command: process.execPath, args: ['-p', 'process.pid'], stdout: 'pipe' });
    expect(Number(await read(child.stdout))).toBe(child.pid);
    await child.exited;
  });

  it('writes to file descriptors', async () => {
    const file = openSync(join(directory, 'out'), 'w');
    await spawnGuarded({ command: 'sh', args: ['-c', 'echo one; echo two >&2'], stdout: file, stderr: file }).exited;
    expect(readFileSync(join(directory, 'out'), 'utf8')).toBe('one\ntwo\n');
  });

  it('reports the exit code of the command', async () => {
    expect(await spawnGuarded({ command: 'sh', args: ['-c', 'exit 7'] }).exited).toEqual({ code: 7, signal: null });
  });

  it('reports a command that does not exist as code 127', async () => {
    expect(await spawnGuarded({ command: '/nowhere/at-all' }).exited).toEqual({ code: 127, signal: null });
  });

  it('rejects a working directory that does not exist', () => {
    expect(() => spawnGuarded({ command: 'true', cwd: '/nowhere' })).toThrow(
      expect.objectContaining({ code: 'config-invalid', message: expect.stringContaining('/nowhere') }),
    );
  });

  it('reports the signal that killed the process, and leaves nothing behind', async () => {
    const child = spawnGuarded({ command: 'sleep', args: ['600'] });
    await waitFor('watcher runs', async () => (await groupOf(child.pid)).length >= 2);
    process.kill(child.pid, 'SIGKILL');
    expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await groupEnds(child.pid);
    expect(child.kill('SIGTERM')).toBe(false);
  });

  it('lets the process see SIGINT and SIGTERM', async () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const script = `process.on('${signal}', () => process.exit(3)); console.log('up'); setInterval(() => 0, 1000)`;
      const child = spawnGuarded({ command: process.execPath, args: ['-e', script], stdout: 'pipe' });
      await read(child.stdout, 'up');
      child.kill(signal);
      expect(await child.exited).toEqual({ code: 3, signal: null });
    }
  });

  it('ends the process when its guard is killed', async () => {
    const child = spawnGuarded({ command: 'sleep', args: ['600'] });
    let watchers: number[] = [];
    await waitFor('watcher runs', async () => {
      watchers = (await groupOf(child.pid)).filter((pid) => pid !== child.pid);
      return watchers.length === 1;
    });
    process.kill(watchers[0] ?? 0, 'SIGKILL');
    expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await groupEnds(child.pid);
  });

  it('ends the children that the process left running', async () => {
    const child = spawnGuarded({ command: 'sh', args: ['-c', 'sleep 600 & exit 0'] });
    expect(await child.exited).toEqual({ code: 0, signal: null });
    await groupEnds(child.pid);
  });

  it('stops a process that ignores SIGTERM after the grace time', async () => {
    const script = "process.on('SIGTERM', () => 0); console.log('up'); setInterval(() => 0, 1000)";
    const child = spawnGuarded({ command: process.execPath, args: ['-e', script], stdout: 'pipe' });
    await read(child.stdout, 'up');
    expect(await child.stop(50)).toEqual({ code: null, signal: 'SIGKILL' });
    await groupEnds(child.pid);
  });
});

describe('when the parent is killed', () => {
  /** A parent process that guards one child and tells its pid. */
  async function startParent(childScript: string): Promise<{ parent: ReturnType<typeof spawn>; pid: number }> {
    const guard = require.resolve('../../../../runtime/adapters/processes/guard.ts');
    const script = `
      require('@swc/core');
      const { readFileSync } = require('node:fs');
      const Module = require('node:module');
      Module._extensions['.ts'] = (module, file) => module._compile(require('@swc/core').transformSync(
        readFileSync(file, 'utf8'), { filename: file, module: { type: 'commonjs' }, jsc: { parser: { syntax: 'typescript' } } },
      ).code, file);
      const { spawnGuarded } = require(${JSON.stringify(guard)});
      const child = spawnGuarded({ command: process.execPath, args: ['-e', ${JSON.stringify(childScript)}], stdout: 'pipe' });
      child.stdout.once('data', () => console.log(child.pid));
      setInterval(() => 0, 1000);
    `;
    const parent = spawn(process.execPath, ['-e', script], {
      cwd: process.cwd(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return { parent, pid: Number(await read(parent.stdout, '\n')) };
  }

  it('ends the child with SIGTERM', async () => {
    const marker = join(directory, 'terminated');
    const child = `
      process.on('SIGTERM', () => { require('node:fs').writeFileSync(${JSON.stringify(marker)}, 'yes'); process.exit(0); });
      console.log('up'); setInterval(() => 0, 1000)`;
    const { parent, pid } = await startParent(child);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await groupEnds(pid);
    expect(readFileSync(marker, 'utf8')).toBe('yes');
  });

  it('ends a child that ignores SIGTERM with SIGKILL', async () => {
    const { parent, pid } = await startParent(
      "process.on('SIGTERM', () => 0); console.log('up'); setInterval(() => 0, 1000)",
    );
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await groupEnds(pid);
  });
});
