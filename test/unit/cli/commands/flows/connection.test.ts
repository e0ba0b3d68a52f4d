import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../../../../support/free-port';
import { ownCa } from '../../../../support/own-ca';
import { waitFor } from '../../../../support/wait-for';
import { kflow } from '../../support';
import { flow, TestController } from './support';

describe('a controller that does not respond', () => {
  test.each(['127.0.0.1', 'localhost'])('at a closed port of %s is told as connection refused', async (host) => {
    const url = `http://${host}:${await freePort()}`;
    const { status, stderr } = await kflow('status', 'default/words', '--url', url);
    expect([status, stderr]).toEqual([
      3,
      `kflow: cannot reach the controller at ${url} (--url): connection refused\n` +
        'start one with kflow up, start its kubectl port-forward again, which ends with its pod, or set KFLOW_URL\n',
    ]);
  });

  test('behind an unknown host is told as that', async () => {
    const { stderr } = await kflow('status', 'default/words', '--url', 'http://nowhere.invalid:9080');
    expect(stderr).toMatch(/nowhere\.invalid:9080 \(--url\): (unknown host|the name of the host cannot be resolved)/);
  });

  test('that closes the connection is told as that', async () => {
    const server = await serve((response) => response.destroy());
    const { stderr } = await kflow('status', 'default/words', '--url', server.url);
    expect(stderr).toContain(`${server.url} (--url): the connection was closed\n`);
    server.close();
  });

  test('within --timeout is told so, and not after a minute', async () => {
    const server = await serve(() => undefined);
    const { status, stderr } = await kflow('pause', 'default/words', '--timeout', '0.3s', '--url', server.url);
    expect([status, stderr]).toEqual([3, expect.stringContaining(`${server.url} (--url): no response within 0.3 s\n`)]);
    server.close();
  });

  test('but a server that redirects, as an ingress does, is told with the address to use', async () => {
    const server = await serve((response) => {
      response.writeHead(308, { location: 'https://flows.example.org/kflows/v1' }).end();
    });
    const { status, stderr } = await kflow('status', 'default/words', '--url', server.url);
    expect([status, stderr]).toEqual([
      1,
      `kflow: ${server.url} redirects to https://flows.example.org; use that address\n`,
    ]);
    server.close();
  });
});

describe('a controller with a certificate of its own CA', () => {
  let folder: string;
  let controller: TestController;
  const { KFLOW_CA } = process.env;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'kflow-ca-'));
    ownCa(folder);
    const tls = { certFile: path.join(folder, 'server.crt'), keyFile: path.join(folder, 'server.key') };
    controller = await TestController.start({ tls });
  });
  afterEach(() => {
    if (KFLOW_CA === undefined) delete process.env.KFLOW_CA;
    else process.env.KFLOW_CA = KFLOW_CA;
  });
  afterAll(async () => {
    await controller.close();
    rmSync(folder, { recursive: true });
  });

  test('is used with --ca or KFLOW_CA', async () => {
    const ca = path.join(folder, 'ca.crt');
    expect(await controller.kflow('status', 'default/words', '--ca', ca)).toMatchObject({ status: 0 });
    process.env.KFLOW_CA = ca;
    expect(await controller.kflow('status', 'default/words')).toMatchObject({ status: 0 });
  });

  test('is not used without them', async () => {
    const { status, stderr } = await controller.kflow('status', 'default/words');
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/its certificate is not trusted \(.*\); name its CA with --ca or KFLOW_CA\n$/),
    ]);
  });

  test('and of plain http is told that the server has no TLS', async () => {
    const plain = await TestController.start();
    const url = plain.url.replace('http:', 'https:');
    const { stderr } = await kflow('status', 'default/words', '--url', url);
    expect(stderr).toContain('the server does not speak TLS; use http://');
    await plain.close();
  });

  test.each([
    ['none.crt', '--ca: cannot read '],
    ['server.key', 'server.key contains no certificate; want PEM text'],
  ])('needs a file with a certificate, unlike %s', async (name, message) => {
    const { status, stderr } = await controller.kflow('status', '--ca', path.join(folder, name));
    expect([status, stderr]).toEqual([64, expect.stringContaining(message)]);
  });
});

describe('across a restart of the controller', () => {
  let controller: TestController;
  beforeEach(async () => {
    controller = await TestController.start({ isManual: true });
  });
  afterEach(() => controller.close());

  /** Restarts the controller while the command follows, until it tries again. */
  async function restart(): Promise<void> {
    const { reads } = controller.flows;
    await waitFor('a follower', () => controller.flows.following > 0);
    await controller.restart(() => waitFor('no follower', () => controller.flows.following === 0));
    await waitFor('a follower again', () => controller.flows.following > 0 && controller.flows.reads >= reads);
  }

  test('kflow logs --follow goes on, and says what it may have missed', async () => {
    const command = controller.kflow('logs', 'words', '--follow');
    await waitFor('a follower', () => controller.flows.following > 0);
    controller.flows.write({ function: 'list', replica: 'list-0', line: 'before' });
    await restart();
    controller.flows.write({ function: 'list', replica: 'list-0', line: 'after' });
    controller.flows.enter(flow, 'Stopped');
    const { status, stdout, stderr } = await command;
    expect([status, stdout]).toEqual([0, expect.stringMatching(/before\n(.*\n)*.*after\n/)]);
    expect(stderr).toMatch(
      /the controller is unavailable \(.*\); waiting for it; kflow logs without -f shows the lines/,
    );
  });

  test('kflow status --watch goes on until the flow has ended', async () => {
    const command = controller.kflow('status', 'words', '--watch');
    await restart();
    controller.flows.enter(flow, 'Stopped');
    expect(await command).toMatchObject({ status: 0, stdout: expect.stringContaining('Stopped') });
  });
});

test('a comment beyond ASCII arrives as it was given, beside a body', async () => {
  const controller = await TestController.start();
  expect(await controller.kflow('pause', 'default/words', '--comment', 'für alle')).toMatchObject({ status: 0 });
  expect(controller.flows.requests).toMatchObject([{ what: 'pause', requester: { comment: 'für alle' } }]);
  await controller.close();
});

/** A server that answers every request in the same way. */
async function serve(answer: (response: import('node:http').ServerResponse) => void) {
  const server: Server = createServer((_request, response) => answer(response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}
