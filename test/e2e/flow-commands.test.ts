import { userInfo } from 'node:os';
import { createAccess } from '../../runtime/controller/api/access/access';
import { FlowStage, wordsYaml } from '../support/flow-stage';

let stage: FlowStage;
beforeEach(async () => {
  stage = await new FlowStage().open();
});
afterEach(() => stage.close());

const ran = (...args: string[]) => stage.ran(...args);
const by = userInfo().username;

/** What the controller was asked for, in order: the request, its arguments, the user. */
const requestsOf = ({ flows }: FlowStage) =>
  flows.requests.map(({ what, args, requester }) => [what, args, requester.by]);

describe('submit', () => {
  test('sends a file unchanged, and prints the next steps', async () => {
    expect(await ran('submit', 'words.yaml', '--comment', 'für alle')).toEqual({
      status: 0,
      stdout: 'default/words: started, revision 1\n',
      stderr: 'watch the flow: kflow status default/words --watch\n',
    });
    expect(stage.flows.documentOf('default/words')).toBe(wordsYaml);
    expect(stage.flows.requests).toEqual([
      { what: 'submit', args: { namespace: 'default', jobId: 'words' }, requester: { by, comment: 'für alle' } },
    ]);
    expect((await ran('submit', 'words.yaml')).stdout).toBe('default/words: no change, revision 1\n');
  });

  test('reads stdin, and requires a jobId there', async () => {
    const command = stage.kflow('submit', '-', '-n', 'prod', '-o', 'json');
    command.process.stdin?.end(wordsYaml);
    expect(await command.exited).toBe(0);
    expect(JSON.parse(command.stdout)).toMatchObject({ namespace: 'prod', jobId: 'words', status: 'Running' });

    const nameless = stage.kflow('submit', '-');
    nameless.process.stdin?.end(wordsYaml.replace('jobId: words\n', ''));
    expect(await nameless.exited).toBe(64);
    expect(nameless.stderr).toBe(
      'kflow: the document on stdin has no jobId; add it, or use --set jobId=NAME\nrun kflow submit --help for usage\n',
    );
  });

  test('puts --set and the code of modules into the document, and keeps the rest unchanged', async () => {
    stage.place.write('split.py', 'def process(ctx, event):\n    return event["key"]\n');
    stage.place.write('words.yaml', wordsYaml.replace(/code: \|\n.*\n.*\n/, 'module: split.py\n'));
    expect((await ran('submit', 'words.yaml', '--set', 'dag.split.parallelism=7')).status).toBe(0);
    const document = stage.flows.documentOf('default/words');
    expect(document).toContain('# words, one by one\n');
    expect(document).toContain('- id: list # the source\n');
    expect(document).toContain('    parallelism: 7\n');
    expect(document).toContain('      code: |\n        def process(ctx, event):\n            return event["key"]\n');
    expect(document).not.toContain('module');
  });

  test('accepts a program, and sends the flow it defines', async () => {
    stage.place.write(
      'squares.ts',
      `import { avro, defineFlow } from 'kflow';
       const number = avro.record('number', { n: avro.int });
       export const flow = defineFlow({ jobId: 'squares', mode: 'batch', directory: __dirname });
       const numbers = flow.rawSource('numbers', { writes: number, run: function* () { yield { n: 1 }; } });
       flow.s3Sink('results', { from: numbers, reads: number, topics: 's3a://squares' });`,
    );
    expect((await ran('submit', 'squares.ts')).stdout).toBe('default/squares: started, revision 1\n');
    expect(stage.flows.documentOf('default/squares')).toContain('jobId: squares\nmode: batch\n');
  });

  test('sends nothing when a file has an error, and prints it as lint does', async () => {
    stage.place.write('broken.yaml', wordsYaml.replace('out: [split]', 'out: [splt]'));
    const { status, stderr } = await ran('submit', 'words.yaml', 'broken.yaml');
    expect(status).toBe(1);
    expect(stderr).toContain('broken.yaml:11:11  dag[0].out[0]  ');
    expect(stderr).toContain('kflow: broken.yaml has errors; nothing was sent\n');
    expect(stage.flows.requests).toEqual([]);
  });

  test('rejects another document of a running flow unless it is an update', async () => {
    await stage.submitted();
    stage.place.write('words.yaml', wordsYaml.replace('parallelism: 2', 'parallelism: 3'));
    const refused = await ran('submit', 'words.yaml');
    expect(refused.status).toBe(1);
    expect(refused.stderr).toBe(
      'kflow: default/words runs with another document; update it\n' +
        'show the difference: kflow diff default/words words.yaml; apply it: kflow update words.yaml\n',
    );
    expect((await ran('submit', '--update', 'words.yaml')).stdout).toBe('default/words: updated, revision 2\n');
  });
});

test('forbidden changes of an update are reported at the lines of the file', async () => {
  await stage.submitted();
  stage.place.write('other.yaml', wordsYaml.replaceAll('store', 'keep'));
  const { status, stderr } = await ran('update', 'other.yaml', '--set', 'mode=stream');
  expect(status).toBe(1);
  expect(stderr).toContain('other.yaml:22:9  dag[2].id  is "keep", and was "store"\n');
  expect(stderr).toContain(
    'kflow: default/words: the controller rejected the document (update-refused); nothing was changed\n',
  );
});

describe('waiting', () => {
  test('prints what the flow waits for, survives a controller restart, and ends when the flow is healthy', async () => {
    await stage.submitted();
    const since = new Date().toISOString();
    const problem = { function: 'split', replica: 'split-0', reason: 'NotReady', message: 'no input yet', since };
    stage.flows.become('default/words', { health: { state: 'starting', problems: [problem] } });
    const command = stage.kflow('restart', 'words', '--wait');
    await command.waitFor(/Running, starting; split: NotReady \(no input yet\)/);
    await stage.restart(() => command.waitFor(/the controller is unavailable \(.*\); waiting for it/));
    stage.flows.become('default/words', { health: { state: 'healthy', problems: [] } });
    expect(await command.exited).toBe(0);
    expect(command.stderr).toMatch(/^waiting for default\/words to become healthy, at most 300 s\n/);
    expect(command.stdout).toBe('default/words: restart requested; Running, revision 1\n');
  });

  test('exits with a status of its own on a timeout, and reports the state', async () => {
    await stage.submitted();
    const { status, stderr } = await ran('pause', 'words', '--wait', '--timeout', '0.3');
    expect(status).toBe(5);
    expect(stderr).toContain('timed out waiting for default/words to pause; its state is Pausing');
    expect(stderr).toContain('the request stays in effect: kflow status default/words --watch\n');
  });

  test('waits until a batch completes; a failed batch is an error with its reason', async () => {
    stage.place.write('words.yaml', `mode: batch\n${wordsYaml}`);
    const command = stage.kflow('submit', 'words.yaml', '--wait');
    await command.waitFor(/waiting for default\/words to complete\n/);
    stage.flows.become('default/words', {
      status: 'Failed',
      closeTime: new Date().toISOString(),
      reason: 'split: exit status 1',
    });
    expect(await command.exited).toBe(1);
    expect(command.stderr).toContain('default/words is Failed and will not complete: split: exit');
  });

  test('a change that was rolled back is an error with its reason', async () => {
    await stage.submitted();
    stage.flows.become('default/words', { health: { state: 'starting', problems: [] } });
    const command = stage.kflow('scale', 'words', 'split=3', '--wait');
    await command.waitFor(/waiting for default\/words to become healthy at revision 2/);
    stage.flows.become('default/words', { revision: 3, reason: 'revision 2 did not become ready: no room' });
    expect(await command.exited).toBe(1);
    expect(command.stderr).toContain('is Running at revision 3 and will not become healthy at revision 2');
    expect(command.stderr).toContain(': revision 2 did not become ready: no room\n');
  });

  test('earlier dead letters do not delay the wait', async () => {
    await stage.submitted();
    const since = new Date().toISOString();
    const problem = { function: 'split', reason: 'DeadLetters', message: '1 record was given up on', since };
    stage.flows.become('default/words', { health: { state: 'degraded', problems: [problem] } });
    expect((await ran('restart', 'words', '--wait')).status).toBe(0);
  });

  test('a missing flow counts as deleted', async () => {
    await stage.submitted();
    const command = stage.kflow('delete', 'words', '--yes', '--wait');
    await command.waitFor(/ {2}Stopping/);
    stage.flows.forget('default/words');
    stage.flows.happen({ id: 'x', kind: 'phase', what: 'Canceled' });
    await stage.restart(async () => undefined);
    expect(await command.exited).toBe(0);
    expect(command.stdout).toBe('default/words: delete requested; deleted\n');
  });
});

test('changes go to the named flow with their comment', async () => {
  await stage.submitted({ namespace: 'prod' });
  await ran('pause', 'words', '--function', 'split', 'store');
  await ran('resume', 'prod/words');
  await ran('scale', 'words', 'split=4');
  await ran('replay', 'words', '--function', 'split', '--from', '2026-01-31T09:00:00+01:00');
  await ran('stop', 'words', '-n', 'prod');
  expect(requestsOf(stage).slice(1)).toEqual([
    ['pause', ['split', 'store'], by],
    ['resume', [], by],
    ['scale', { split: 4 }, by],
    ['replay', { function: 'split', from: { time: '2026-01-31T08:00:00.000Z' } }, by],
    ['end', 'stop', by],
  ]);
});

test('a jobId of several namespaces needs a namespace, unless default has it', async () => {
  await stage.submitted({ namespace: 'one' });
  await stage.submitted({ namespace: 'two' });
  const { status, stderr } = await ran('stop', 'words');
  expect([status, stderr]).toEqual([
    64,
    'kflow: several flows are named "words": one/words, two/words; use one of these names\nrun kflow stop --help for usage\n',
  ]);
  await stage.submitted();
  expect((await ran('stop', 'words')).stdout).toBe('default/words: stop requested; Stopping, revision 1\n');
});

test('exit statuses name the kind of failure, and messages the remedy', async () => {
  const missing = await ran('status', 'nothing');
  expect([missing.status, missing.stderr]).toEqual([
    4,
    'kflow: default/nothing: there is no such flow\nlist the flows with kflow status --all\n',
  ]);
  expect((await ran('scale', 'words', 'split=0')).status).toBe(64);
  expect((await ran('status', '--nonsense')).status).toBe(64);
  expect((await ran('delete', 'default/words')).status).toBe(64);
  await stage.submitted();
  stage.flows.become('default/words', { status: 'Stopped', closeTime: new Date().toISOString() });
  const refused = await ran('delete', 'words', '--yes');
  expect([refused.status, refused.stderr]).toEqual([
    1,
    'kflow: default/words is Stopped and keeps its streams; force=true deletes it\ndelete the flow with kflow delete --force default/words\n',
  ]);
  const away = await ran('status', '--url', 'http://127.0.0.1:1');
  expect([away.status, away.stderr]).toEqual([
    3,
    'kflow: cannot reach the controller at http://127.0.0.1:1 (--url): connection refused\n' +
      'start one with kflow up, start its kubectl port-forward again, which ends with its pod, or set KFLOW_URL\n',
  ]);
});

test('a missing token is reported, and a given one is sent', async () => {
  const file = stage.place.write(
    'tokens.yaml',
    '- { name: eva, role: operate, token: 0123456789abcdef0123456789abcdef }',
  );
  const guarded = await new FlowStage(() => createAccess({ kind: 'tokens', file }, () => undefined)).open();
  try {
    const { status, stderr } = await guarded.ran('submit', 'words.yaml');
    expect(status).toBe(1);
    expect(stderr).toContain('set a token with --token, KFLOW_TOKEN or KFLOW_TOKEN_FILE\n');
    await guarded.ran('submit', 'words.yaml', '--token', '0123456789abcdef0123456789abcdef');
    expect(requestsOf(guarded)).toEqual([['submit', { namespace: 'default', jobId: 'words' }, 'eva']]);
  } finally {
    await guarded.close();
  }
});

describe('history', () => {
  beforeEach(async () => {
    await stage.submitted();
    stage.place.write('words.yaml', wordsYaml.replace('parallelism: 2', 'parallelism: 3'));
  });

  test('diff against a file prints what a submit would change, hides secrets, and exits with 2', async () => {
    const { status, stdout } = await ran('diff', 'words', 'words.yaml');
    expect(status).toBe(2);
    expect(stdout).toMatch(/^--- revision 1\n\+\+\+ words\.yaml\n@@ /);
    expect(stdout.split('\n').filter((line) => /^[+-] /.test(line))).toEqual([
      '-    parallelism: 2',
      '+    parallelism: 3',
    ]);
    expect(stdout).not.toContain('minio123');
    await ran('update', 'words.yaml');
    expect((await ran('diff', 'words', 'words.yaml')).status).toBe(0);
    expect((await ran('diff', 'words')).stdout).toContain('+    parallelism: 3\n');
  });

  test('lists revisions, prints one, and rolls back to it', async () => {
    await ran('update', 'words.yaml');
    const { stdout } = await ran('history', 'words');
    expect(stdout).toMatch(
      /^REVISION {2}STATE +CAUSE +BY +AGE {2}COMMENT\n +1 {2}was ready +submit .* first\n +2 {2}current/,
    );
    expect((await ran('history', 'words', '--revision', '1')).stdout).toContain('parallelism: 2');
    await ran('rollback', 'words', '--to', '1');
    expect(stage.flows.documentOf('default/words')).toBe(wordsYaml);
  });
});

describe('logs and events', () => {
  beforeEach(() => stage.submitted());

  test('every line has its replica, and JSON has one line each', async () => {
    stage.flows.lines.push(
      { function: 'list', replica: 'list-0', line: 'one' },
      { function: 'split', replica: 'split-10', line: 'two' },
    );
    expect((await ran('logs', 'words')).stdout).toBe('list-0 | one\nsplit-10 | two\n');
    const { stdout } = await ran('logs', 'words', 'split', '--tail', '1', '-o', 'json');
    expect(JSON.parse(stdout)).toEqual({ function: 'split', replica: 'split-10', line: 'two' });
  });

  test('events that occur while the controller is down are printed once it is back', async () => {
    const before = (await stage.flows.events({}, { limit: 100 })).map(({ what }) => what);
    stage.flows.happen({ id: 'a', kind: 'audit', what: 'pause', by: 'eva', comment: 'too slow' });
    const command = stage.kflow('events', 'words', '-f');
    const stdout = () => command.stdout;
    await command.waitFor(/^2026-01-31T08:00:00Z {2}default\/words {2}pause {2}by eva {2}"too slow"\n/m, stdout);
    await stage.restart(async () => {
      await command.waitFor(/the controller is unavailable/);
      stage.flows.happen({ id: 'b', kind: 'phase', what: 'Paused' });
    });
    await command.waitFor(/Paused/, stdout);
    stage.flows.happen({ id: 'c', kind: 'phase', what: 'Running' });
    await command.waitFor(/Paused.*\n.*Running/, stdout);
    command.process.kill();
    await command.exited;
    expect(command.stdout.split('\n').map((line) => line.split('  ')[2])).toEqual([
      ...before,
      'pause',
      'Paused',
      'Running',
      undefined,
    ]);
  });
});

describe('status', () => {
  test('lists running flows, and counts closed ones', async () => {
    await stage.submitted();
    await stage.submitted({ jobId: 'old' });
    expect((await ran('status')).stdout).toMatch(/^FLOW .*\ndefault\/old .*\ndefault\/words .*\n$/);
    stage.flows.become('default/old', { status: 'Completed', closeTime: new Date().toISOString() });
    const { stdout, stderr } = await ran('status');
    expect(stdout).not.toContain('default/old');
    expect(stderr).toBe('1 more flow has ended; show them with --all\n');
    expect(JSON.parse((await ran('status', '--all', '-o', 'json')).stdout)).toHaveLength(2);
  });

  test('without a terminal, watch prints changed lines and ends with the flow', async () => {
    await stage.submitted();
    const command = stage.kflow('status', 'words', '--watch');
    const stdout = () => command.stdout;
    await command.waitFor(/^default\/words {2}Running {2}healthy {2}revision 1\n/, stdout);
    stage.flows.become('default/words', { status: 'Stopping' });
    await command.waitFor(/^default\/words {2}Stopping/m, stdout);
    stage.flows.become('default/words', { status: 'Stopped', closeTime: new Date().toISOString() });
    expect(await command.exited).toBe(0);
    expect(command.stderr).toContain('start the flow again with kflow submit FILE');
  });
});
