import { userInfo } from 'node:os';
import { createAccess } from '../../runtime/controller/api/access/access';
import { FlowStage, wordsYaml } from '../support/flow-stage';

let stage: FlowStage;
beforeEach(async () => {
  stage = await new FlowStage().open();
});
afterEach(() => stage.close());

const ran = (...args: string[]) => stage.ran(...args);
const by = `by ${userInfo().username}`;

describe('submit', () => {
  test('sends a file unchanged, and prints the next steps', async () => {
    expect(await ran('submit', 'words.yaml', '--comment', 'für alle')).toEqual({
      status: 0,
      stdout: 'default/words started, revision 1\n',
      stderr: 'kflow status default/words --watch shows how it goes on\n',
    });
    expect(stage.flows.documentOf('default/words')).toBe(wordsYaml);
    expect(stage.flows.requests).toEqual([`default/words; submit; ${by}; für alle`]);
    expect((await ran('submit', 'words.yaml')).stdout).toBe('default/words unchanged, revision 1\n');
  });

  test('reads stdin, and requires a jobId there', async () => {
    const command = stage.kflow('submit', '-', '-n', 'prod', '-o', 'json');
    command.process.stdin?.end(wordsYaml);
    expect(await command.exited).toBe(0);
    expect(JSON.parse(command.stdout)).toMatchObject({ namespace: 'prod', jobId: 'words', status: 'Running' });

    const nameless = stage.kflow('submit', '-');
    nameless.process.stdin?.end(wordsYaml.replace('jobId: words\n', ''));
    expect(await nameless.exited).toBe(2);
    expect(nameless.stderr).toBe('kflow: the document on stdin has no jobId; add one, or --set jobId=NAME\n');
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
    expect((await ran('submit', 'squares.ts')).stdout).toBe('default/squares started, revision 1\n');
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
      'kflow: default/words runs with another document\n' +
        'kflow diff default/words words.yaml shows what differs, kflow update words.yaml changes it\n',
    );
    expect((await ran('submit', '--update', 'words.yaml')).stdout).toBe('default/words updated, revision 2\n');
  });
});

test('forbidden changes of an update are reported at the lines of the file', async () => {
  await stage.submitted();
  stage.place.write('other.yaml', wordsYaml.replaceAll('store', 'keep'));
  const { status, stderr } = await ran('update', 'other.yaml', '--set', 'mode=stream');
  expect(status).toBe(1);
  expect(stderr).toContain('other.yaml:22:9  dag[2].id  is "keep", and was "store"\n');
  expect(stderr).toContain('kflow: default/words: Conflict; nothing was changed\n');
});

describe('waiting', () => {
  test('prints what the flow waits for, survives a controller restart, and ends when the flow is healthy', async () => {
    await stage.submitted();
    const since = new Date().toISOString();
    const problem = { function: 'split', replica: 'split-0', reason: 'NotReady', message: 'no input yet', since };
    stage.flows.become('default/words', { health: { state: 'starting', problems: [problem] } });
    const command = stage.kflow('restart', 'words', '--wait');
    await command.waitFor(/Running, starting; split: NotReady \(no input yet\)/);
    await stage.restart(() => command.waitFor(/the controller is away; waiting for it/));
    stage.flows.become('default/words', { health: { state: 'healthy', problems: [] } });
    expect(await command.exited).toBe(0);
    expect(command.stderr).toMatch(/^waiting until default\/words runs and is healthy, at most 300 s\n/);
    expect(command.stdout).toBe('default/words restart asked for; Running, revision 1\n');
  });

  test('has its own exit status for a timeout, and prints the last status', async () => {
    await stage.submitted();
    const { status, stderr } = await ran('pause', 'words', '--wait', '--timeout', '0.3');
    expect(status).toBe(5);
    expect(stderr).toContain('default/words: the time was up before it is paused; it is Pausing');
    expect(stderr).toContain('it goes on: kflow status default/words --watch\n');
  });

  test('waits until a batch completes; a failed batch is an error with its reason', async () => {
    stage.place.write('words.yaml', `mode: batch\n${wordsYaml}`);
    const command = stage.kflow('submit', 'words.yaml', '--wait');
    await command.waitFor(/waiting until default\/words has completed\n/);
    stage.flows.become('default/words', {
      status: 'Failed',
      closeTime: new Date().toISOString(),
      reason: 'split: exit status 1',
    });
    expect(await command.exited).toBe(1);
    expect(command.stderr).toContain(
      'default/words is Failed and will not come to where it has completed: split: exit',
    );
  });

  test('a change that was rolled back is an error with its reason', async () => {
    await stage.submitted();
    stage.flows.become('default/words', { health: { state: 'starting', problems: [] } });
    const command = stage.kflow('scale', 'words', 'split=3', '--wait');
    await command.waitFor(/waiting until default\/words runs with revision 2 and is healthy/);
    stage.flows.become('default/words', { revision: 3, reason: 'revision 2 did not become ready: no room' });
    expect(await command.exited).toBe(1);
    expect(command.stderr).toContain('is Running with revision 3 and will not come to where it runs with revision 2');
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
    expect(command.stdout).toBe('default/words delete asked for; gone\n');
  });
});

test('changes go to the named flow with their comment', async () => {
  await stage.submitted({ namespace: 'prod' });
  await ran('pause', 'words', '--function', 'split', 'store');
  await ran('resume', 'prod/words');
  await ran('scale', 'words', 'split=4');
  await ran('replay', 'words', '--function', 'split', '--from', '2026-01-31T09:00:00+01:00');
  await ran('stop', 'words', '-n', 'prod');
  expect(stage.flows.requests.slice(1)).toEqual([
    `prod/words; pause split,store; ${by}`,
    `prod/words; resume; ${by}`,
    `prod/words; scale {"split":4}; ${by}`,
    `prod/words; replay split {"time":"2026-01-31T08:00:00.000Z"}; ${by}`,
    `prod/words; end stop; ${by}`,
  ]);
});

test('a jobId of several namespaces needs a namespace, unless default has it', async () => {
  await stage.submitted({ namespace: 'one' });
  await stage.submitted({ namespace: 'two' });
  const { status, stderr } = await ran('stop', 'words');
  expect([status, stderr]).toEqual([
    2,
    'kflow: there are several flows "words": one/words, two/words; name one of them\n',
  ]);
  await stage.submitted();
  expect((await ran('stop', 'words')).stdout).toBe('default/words stop asked for; Stopping, revision 1\n');
});

test('exit statuses name the kind of failure, and messages the remedy', async () => {
  const missing = await ran('status', 'nothing');
  expect([missing.status, missing.stderr]).toEqual([
    4,
    'kflow: default/nothing: there is no such flow\nkflow status --all lists the flows there are\n',
  ]);
  expect((await ran('scale', 'words', 'split=0')).status).toBe(2);
  expect((await ran('status', '--nonsense')).status).toBe(2);
  expect((await ran('delete', 'default/words')).status).toBe(2);
  await stage.submitted();
  stage.flows.become('default/words', { status: 'Stopped', closeTime: new Date().toISOString() });
  const refused = await ran('delete', 'words', '--yes');
  expect([refused.status, refused.stderr]).toEqual([
    1,
    'kflow: default/words is Stopped and keeps its streams; force=true deletes it\nkflow delete --force default/words does so\n',
  ]);
  const away = await ran('status', '--url', 'http://127.0.0.1:1');
  expect([away.status, away.stderr]).toEqual([
    3,
    'kflow: no controller answers at http://127.0.0.1:1 (--url): bad port\nstart one with kflow up, or set KFLOW_URL\n',
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
    expect(stderr).toContain('a token comes from --token, KFLOW_TOKEN or KFLOW_TOKEN_FILE\n');
    await guarded.ran('submit', 'words.yaml', '--token', '0123456789abcdef0123456789abcdef');
    expect(guarded.flows.requests).toEqual(['default/words; submit; by eva']);
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
      /^REVISION {2}STATE +CAUSE +BY +AGE {2}COMMENT\n +1 {2}proven +submit .* first\n +2 {2}in force/,
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
    stage.flows.happen({ id: 'a', kind: 'audit', what: 'pause', by: 'eva', comment: 'too slow' });
    const command = stage.kflow('events', 'words', '-f');
    const stdout = () => command.stdout;
    expect(await command.waitFor(/^.*\n/, stdout)).toBe(
      '2026-01-31T08:00:00Z  default/words  pause  by eva  "too slow"\n',
    );
    await stage.restart(async () => {
      await command.waitFor(/the controller is away/);
      stage.flows.happen({ id: 'b', kind: 'phase', what: 'Paused' });
    });
    await command.waitFor(/Paused/, stdout);
    stage.flows.happen({ id: 'c', kind: 'phase', what: 'Running' });
    await command.waitFor(/Running/, stdout);
    command.process.kill();
    await command.exited;
    expect(command.stdout.split('\n').map((line) => line.split('  ')[2])).toEqual([
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
    expect((await ran('status')).stdout).toMatch(/^FLOW .*\ndefault\/words .*\ndefault\/old .*\n$/);
    stage.flows.become('default/old', { status: 'Completed', closeTime: new Date().toISOString() });
    const { stdout, stderr } = await ran('status');
    expect(stdout).not.toContain('default/old');
    expect(stderr).toBe('1 more has ended: --all shows them too\n');
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
    expect(command.stderr).toContain('it was stopped: kflow submit FILE goes on from there');
  });
});
