const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const { createServer } = require('node:http');
const path = require('node:path');

/** A replica whose behavior is read from a file, `<KFLOW_TEST_BEHAVIOURS>/<jobId>/<function>`: serve, crash, end, refuse or linger. */
const spec = JSON.parse(readFileSync(process.env.KFLOW_SPEC, 'utf8'));
const file = path.join(process.env.KFLOW_TEST_BEHAVIOURS, spec.jobId, spec.function);
const number = process.env.KFLOW_REPLICA ?? process.env.JOB_COMPLETION_INDEX ?? '-';
const exits = { end: 0, crash: 1, refuse: 78 };

function behaviour() {
  try {
    return readFileSync(file, 'utf8').trim().replace('%', number);
  } catch {
    return 'serve';
  }
}

function obey() {
  const how = behaviour();
  // `end:0` ends only replica 0
  const [what, of = number] = how.split(':');
  if (!(what in exits) || of !== number) return;
  if (what !== 'end') console.error(process.env.KFLOW_TEST_CRASH_LINE);
  process.exit(exits[what]);
}

process.on('SIGTERM', () => {
  if (behaviour() === 'linger') return;
  console.log('stopping');
  process.exit(0);
});

console.log(`started ${JSON.stringify({ number, note: spec.note, token: process.env.TOKEN })}`);
obey();
setInterval(obey, 20);
const metrics = `# HELP events_total Records\n# TYPE events_total counter\nevents_total{flow="${spec.jobId}"} ${number}\n`;
const server = createServer((request, response) => {
  if (request.url === '/metrics') {
    response.writeHead(200).end(metrics);
    return;
  }
  const isBusy = behaviour() === 'busy';
  response.writeHead(isBusy ? 503 : 200).end(isBusy ? 'waiting for the moon\n' : 'ok\n');
});
server.listen(Number(process.env.KFLOW_HTTP_PORT), process.env.KFLOW_HTTP_HOST, () => {
  writeFileSync(`${process.env.KFLOW_HTTP_PORT_FILE}.new`, String(server.address().port));
  renameSync(`${process.env.KFLOW_HTTP_PORT_FILE}.new`, process.env.KFLOW_HTTP_PORT_FILE);
});
