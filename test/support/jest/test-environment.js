/**
 * The environment of every test file. It gives the file its own folder, cleans up whatever the file leaves behind, also
 * after a failure, and fails a file that passes but leaves processes running.
 */
const path = require('node:path');
const { setTimeout: delay } = require('node:timers/promises');
const { TestEnvironment: NodeEnvironment } = require('jest-environment-node');
const { makeTestHome, processesOf, removeTestHome } = require('./test-home');
const { tellWatchdog } = require('./tell-watchdog');

/** A process counts as blocked when a test or a hook outlasts its own timeout by this much. */
const GRACE_MS = 120_000;
/** Limit for loading a test file, and for its teardown. */
const OUTSIDE_TESTS_MS = 300_000;
const CLOSE_MS = 30_000;
/** Stopped processes get this long to exit. */
const EXIT_MS = 10_000;
/** Processes that end with this one. */
const HELPERS = /\besbuild\b.* --service=/;

module.exports = class TestFileEnvironment extends NodeEnvironment {
  constructor(config, context) {
    super(config, context);
    this.file = path.relative(config.projectConfig.rootDir, context.testPath);
    this.closers = [];
    this.global[Symbol.for('kflow.closers')] = this.closers;
  }

  async setup() {
    await super.setup();
    this.outerTmpdir = process.env.TMPDIR;
    this.home = makeTestHome();
    tellWatchdog({ home: this.home, step: this.file, limitMs: OUTSIDE_TESTS_MS });
    this.setTmpdir(this.home);
  }

  handleTestEvent(event, state) {
    if (event.name === 'test_fn_start') this.step(event.test.name, event.test.timeout ?? state.testTimeout);
    if (event.name === 'hook_start') this.step(event.hook.type, event.hook.timeout ?? state.testTimeout);
    if (event.name === 'run_finish')
      this.hasFailed = hasFailed(state.rootDescribeBlock) || state.unhandledErrors.length > 0;
  }

  step(name, timeoutMs) {
    tellWatchdog({ step: `${this.file} › ${name}`, limitMs: timeoutMs + GRACE_MS });
  }

  async teardown() {
    tellWatchdog({ step: `${this.file} › teardown`, limitMs: OUTSIDE_TESTS_MS });
    const problems = await this.closeAll();
    const left = await this.processesLeft();
    await removeTestHome(this.home);
    this.setTmpdir(this.outerTmpdir);
    tellWatchdog({ removed: this.home });
    await super.teardown();
    problems.push(...left.map(({ pid, command }) => `left process ${pid} running: ${command}`));
    if (problems.length > 0 && !this.hasFailed) throw new Error(`${this.file}: ${problems.join('\n')}`);
  }

  /** Closes in reverse order. */
  async closeAll() {
    const problems = [];
    for (const { what, close } of this.closers.reverse()) {
      const limit = new AbortController();
      const late = delay(CLOSE_MS, undefined, { signal: limit.signal }).then(
        () => problems.push(`${what} did not close within ${CLOSE_MS / 1000} s`),
        () => undefined,
      );
      const closed = Promise.resolve()
        .then(close)
        .catch((error) => problems.push(`${what} could not be closed: ${error.message}`));
      await Promise.race([closed, late]);
      limit.abort();
    }
    return problems;
  }

  async processesLeft() {
    const end = Date.now() + (this.hasFailed ? 0 : EXIT_MS);
    for (;;) {
      const left = processesOf(this.home).filter(({ command }) => command !== '' && !HELPERS.test(command));
      if (left.length === 0 || Date.now() >= end) return left;
      await delay(50);
    }
  }

  /** Sets TMPDIR in this process, from which children inherit it, and in the test file's own copy of the environment. */
  setTmpdir(folder) {
    for (const env of [process.env, this.global?.process.env]) {
      if (env === undefined) continue;
      if (folder === undefined) delete env.TMPDIR;
      else env.TMPDIR = folder;
    }
  }
};

function hasFailed({ children, hooks: _, tests }) {
  return tests.some(({ errors }) => errors.length > 0) || children.some((child) => child.children && hasFailed(child));
}
