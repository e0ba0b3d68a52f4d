/**
 * Prints the counts of a run on their own line for machines, the seed that repeats a failed run, and the open handles that
 * keep jest from exiting.
 */
const { appendFileSync } = require('node:fs');
const path = require('node:path');

/** Open handles may keep the process alive for this long after the last test. */
const EXIT_MS = 15_000;

module.exports = class RunReporter {
  constructor(globalConfig) {
    this.globalConfig = globalConfig;
  }

  onRunStart() {
    process.stdout.write(`KFLOW_SEED=${process.env.KFLOW_SEED}\n`);
  }

  onRunComplete(_contexts, results) {
    const { numPassedTests: passed, numPendingTests: skipped } = results;
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    if (failed > 0)
      process.stdout.write(`\nTo repeat: KFLOW_SEED=${process.env.KFLOW_SEED} npx jest ${failedFiles(results)}\n`);
    process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
    const { KFLOW_TEST_COUNTS: countsFile } = process.env;
    if (countsFile) appendFileSync(countsFile, `${passed} ${failed}\n`);
    if (!this.globalConfig.watch && !this.globalConfig.watchAll) endUnlessIdle();
  }
};

function failedFiles({ testResults }) {
  const failed = testResults.filter(({ numFailingTests, testExecError }) => numFailingTests > 0 || testExecError);
  return failed.map(({ testFilePath }) => path.relative(process.cwd(), testFilePath)).join(' ');
}

/** The timer is unreferenced: it fires only if a test has left something open that keeps the process alive. */
function endUnlessIdle() {
  const end = () => {
    const handles = process
      ._getActiveHandles()
      .map(describeHandle)
      .filter((text) => text !== undefined);
    process.stderr.write(`\nStill open ${EXIT_MS / 1000} s after the last test:\n  ${handles.join('\n  ')}\n`);
    process.stderr.write(`  (${process.getActiveResourcesInfo().join(', ')})\n`);
    process.exit(1);
  };
  setTimeout(end, EXIT_MS).unref();
}

function describeHandle(handle) {
  if (handle.fd === 1 || handle.fd === 2) return undefined;
  if (handle.spawnargs !== undefined) return `process ${handle.pid}: ${handle.spawnargs.join(' ')}`;
  if (handle.remotePort !== undefined) return `connection to ${handle.remoteAddress}:${handle.remotePort}`;
  const address = handle.address?.();
  if (address !== null && address !== undefined) return `server on ${address.port ?? address}`;
  return handle.constructor.name;
}
