/**
 * The folder of one test file, which is `TMPDIR` for the file and for every process the file starts. Whatever is left
 * of the file is therefore easy to find: files below the folder, and processes with the folder in their environment.
 */
const { execFileSync } = require('node:child_process');
const { mkdtempSync, readdirSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { setTimeout: delay } = require('node:timers/promises');

/** Short: the paths of Unix sockets below it may have 103 bytes. */
function makeTestHome() {
  return mkdtempSync(path.join(tmpdir(), 'kft-'));
}

/**
 * Processes that were started below a test home and still run.
 * @param {string} home
 * @returns {{ pid: number, command: string }[]}
 */
function processesOf(home) {
  const mark = `TMPDIR=${home}`;
  if (process.platform !== 'linux') return processesByPs(mark);
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.flatMap((pid) => {
    if (!readProcess(pid, 'environ').split('\0').includes(mark)) return [];
    return [{ pid: Number(pid), command: readProcess(pid, 'cmdline').replaceAll('\0', ' ').trim() }];
  });
}

/** A process that ends meanwhile, or belongs to another user, has nothing to read. */
function readProcess(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(error.code)) return '';
    throw error;
  }
}

/** `ps -E` prints the environment behind the command on macOS. */
function processesByPs(mark) {
  const lines = execFileSync('ps', ['-Aww', '-E', '-o', 'pid=,command='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const [, pid, command] = /^ *(\d+) (.*)$/.exec(line) ?? [];
    return pid !== undefined && `${command} `.includes(` ${mark} `) ? [{ pid: Number(pid), command }] : [];
  });
}

/**
 * Kills the processes of a test home until none is left, and removes the folder.
 * @param {string} home
 * @returns {Promise<void>}
 */
async function removeTestHome(home) {
  for (let left = processesOf(home); left.length > 0; left = processesOf(home)) {
    for (const { pid } of left) kill(pid);
    await delay(20);
  }
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

module.exports = { makeTestHome, processesOf, removeTestHome };
