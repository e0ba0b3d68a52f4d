const { spawn } = require('node:child_process');
const path = require('node:path');

let watchdog;

/**
 * Sends a message to the watchdog of this process, which the first message starts. `watchdog.js` lists the messages.
 * @param {{ home?: string, step?: string, limitMs?: number, removed?: string }} message
 */
function tellWatchdog(message) {
  watchdog ??= startWatchdog();
  watchdog.stdin.write(`${JSON.stringify(message)}\n`);
}

function startWatchdog() {
  const child = spawn(process.execPath, [path.join(__dirname, 'watchdog.js'), String(process.pid)], {
    stdio: ['pipe', 'ignore', 'inherit'],
    detached: true,
  });
  child.unref();
  child.stdin.unref();
  // the tests do not depend on the watchdog, should it be killed
  child.stdin.on('error', () => undefined);
  if (process.send !== undefined) exitWithParent();
  return child;
}

/** A worker whose jest was killed would finish its test file. (A `disconnect` listener would keep the worker alive.) */
function exitWithParent() {
  const { ppid } = process;
  const check = () => {
    if (process.ppid !== ppid) process.exit(1);
  };
  setInterval(check, 500).unref();
}

module.exports = { tellWatchdog };
