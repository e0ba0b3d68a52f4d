/**
 * The folder of one test file: the `TMPDIR` of the file and of every process it starts. So everything that a file leaves
 * behind can be found: files in the folder, and processes with the folder in their environment.
 */
const { execFileSync } = require('node:child_process');
const { mkdtempSync, readdirSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { setTimeout: delay } = require('node:timers/promises');

/** The name is short because paths of Unix sockets are limited to 103 bytes. */
function makeTestHome() {
  return mkdtempSync(path.join(tmpdir(), 'kft-'));
}

/**
 * Running processes that were started with a test home as their TMPDIR.
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

/** Empty when the process has ended or belongs to another user. */
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
 * Kills all processes of a test home and removes the folder.
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
