import type { PlainMap } from '../../plain-map';
import { sectionOf } from '../document/complete-topology';
import type { Draft, DraftFunction } from '../document/draft';
import { findMetaSetting } from '../document/meta-setting';
import { Mode } from '../document/topology';
import { bucketRule, isBucketName } from '../function-types/bucket-topics';
import { withArticle } from '../function-types/function-type';
import type { DocumentPath } from '../problem/problem';
import { quote } from '../problem/show-value';
import type { ProblemList } from '../read/problem-list';
import { checkBulk } from './check-bulk';

/** Checks settings that depend on each other or on rules of other systems. */
export function checkSettings(draft: Draft, problems: ProblemList): void {
  checkRun(draft, problems);
  checkErrorStream(draft.globalConfig, { path: [], draft, problems });
  checkBucket(draft.globalConfig, [], problems);
  checkStores(draft.globalConfig, ['globalConfig'], problems);
  for (const each of draft.functions) {
    checkErrorStream(each.globalConfig, { path: each.path, draft, problems });
    checkBucket(each.globalConfig, each.path, problems);
    checkStores(each.globalConfig, [...each.path, 'globalConfig'], problems);
    checkAccess(each.raw, each.path, problems);
    checkUseOfAccess(each, problems);
    checkMessageStore(each, draft, problems);
    checkDevStore(each, problems);
    checkDownloadDirectory(each, problems);
    checkBulk(each, problems);
    checkPollInterval(each, problems);
    checkAck(each, problems);
  }
}

/** A flow that does not end has one run. */
function checkRun({ root }: Draft, problems: ProblemList): void {
  if (root.run === undefined || root.mode === Mode.Batch) return;
  const message = 'only a batch has runs; remove it, or set "mode: batch"';
  problems.add({ code: 'setting-invalid', path: ['run'], message, at: 'key' });
}

const natsServer = /^(?:(?:nats|tls):\/\/)?(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?\/?$/i;

interface SectionContext {
  readonly path: DocumentPath;
  readonly draft: Draft;
  readonly problems: ProblemList;
}

function checkErrorStream(config: PlainMap, { path, draft, problems }: SectionContext): void {
  const own = sectionOf(config, 'sideStream');
  const at = [...path, 'globalConfig', 'sideStream'];
  if (typeof own.errorTopics === 'string') {
    const topics = own.errorTopics.split(',').map((topic) => topic.trim());
    const wrong = topics.filter((topic) => !/^[^\s.*>]+(\.[^\s.*>]+)+$/.test(topic));
    if (wrong.length > 0) {
      const message = `must be stream.subject, or several separated by commas; got ${wrong.map(quote).join(', ')}; the part before the first dot is the stream`;
      problems.add({ code: 'setting-invalid', path: [...at, 'errorTopics'], message });
    }
  }
  const servers = typeof own.addr === 'string' && !own.addr.includes('@') ? own.addr.split(',') : [];
  if (servers.some((server) => !natsServer.test(server.trim()))) {
    const message = `must be nats://host:4222 or tls://host:4222, or several separated by commas; got ${quote(String(own.addr))}`;
    problems.add({ code: 'setting-invalid', path: [...at, 'addr'], message });
  }
  const inherited = sectionOf(draft.globalConfig, 'sideStream');
  const isReported = path.length > 0 && inherited.enabled === true;
  if (own.enabled !== true || isReported) return;
  const effective = { ...inherited, ...own };
  const missing = ['addr', 'errorTopics'].filter((key) => effective[key] === undefined);
  if (missing.length === 0) return;
  const message = `sideStream is enabled without ${missing.join(' and ')}, the destination of errors`;
  problems.add({ code: 'setting-missing', path: at, message, at: 'key' });
}

function checkBucket(config: PlainMap, path: DocumentPath, problems: ProblemList): void {
  for (const section of ['messageStore', 'devStore']) {
    const { topics } = sectionOf(config, section);
    if (typeof topics !== 'string' || isBucketName(topics)) continue;
    const message = `must be the name of a bucket, which ${bucketRule}; got ${quote(topics)}`;
    problems.add({ code: 'setting-invalid', path: [...path, 'globalConfig', section, 'topics'], message });
  }
}

function checkStores(config: PlainMap, path: DocumentPath, problems: ProblemList): void {
  for (const name of ['store', 'messageStore', 'devStore'])
    checkAccess(sectionOf(config, name), [...path, name], problems);
}

/** Checks how an S3 server is reached. */
function checkAccess({ region, ca }: PlainMap, path: DocumentPath, problems: ProblemList): void {
  const invalid = (key: string, message: string) =>
    problems.add({ code: 'setting-invalid', path: [...path, key], message });
  if (typeof region === 'string' && !/^[a-zA-Z0-9-]{1,64}$/.test(region)) {
    invalid('region', `must be a region, as in eu-central-1; got ${quote(region)}`);
  }
  if (typeof ca !== 'string' || ca.startsWith('/') || ca.includes('-----BEGIN CERTIFICATE-----')) return;
  invalid('ca', `must be the text of a certificate (PEM), or the absolute path of a file; got ${quote(ca)}`);
}

function checkUseOfAccess({ raw, path, type, descriptor }: DraftFunction, problems: ProblemList): void {
  if (descriptor === undefined || descriptor.connectsTo === 'object-store') return;
  const isServer = descriptor.connectsTo === 'search-server' || descriptor.connectsTo === 'nats-server';
  for (const key of ['sessionToken', 'secretKeys', 'auth', 'region', 'ca', 'pathStyle']) {
    if (raw[key] === undefined || (isServer && (key === 'ca' || key === 'secretKeys'))) continue;
    const message = `"${key}" has no effect: ${withArticle(type)} does not connect to an S3 server`;
    problems.warn({ code: 'setting-invalid', path: [...path, key], message, at: 'key' });
  }
}

function checkDevStore({ globalConfig, path }: DraftFunction, problems: ProblemList): void {
  if (globalConfig.devStore === undefined) return;
  const message = '"devStore" has no effect on one function; set it in globalConfig of the topology';
  const at = [...path, 'globalConfig', 'devStore'];
  problems.warn({ code: 'setting-invalid', path: at, message, at: 'key' });
}

function checkMessageStore(each: DraftFunction, draft: Draft, problems: ProblemList): void {
  const own = sectionOf(each.globalConfig, 'messageStore');
  if (own.enabled !== true) return;
  if (own.topics !== undefined || sectionOf(draft.globalConfig, 'messageStore').topics !== undefined) return;
  const message =
    'the bucket for large messages is missing; add globalConfig.messageStore.topics, or configure a bucket in the controller';
  const path = [...each.path, 'globalConfig', 'messageStore', 'enabled'];
  problems.warn({ code: 'setting-missing', path, message, at: 'key' });
}

function checkDownloadDirectory(each: DraftFunction, problems: ProblemList): void {
  const found = findMetaSetting(each.meta, 'download.directory');
  if (typeof found?.value !== 'string' || isBelowTmp(found.value)) return;
  const message = `must be a directory below /tmp/, got ${quote(found.value)}`;
  problems.add({ code: 'setting-invalid', path: [...each.path, 'meta', ...found.path], message });
}

function isBelowTmp(directory: string): boolean {
  const steps: string[] = [];
  for (const step of directory.split('/').filter((part) => part !== '' && part !== '.')) {
    if (step !== '..') steps.push(step);
    else if (steps.pop() === undefined) return false;
  }
  return directory.startsWith('/') && !directory.includes('\0') && steps[0] === 'tmp' && steps.length > 1;
}

/** Only code of a process can request acks. */
function checkAck(each: DraftFunction, problems: ProblemList): void {
  const found = findMetaSetting(each.meta, 'ack');
  if (found?.value !== 'manual' || each.descriptor === undefined || each.kind === 'process') return;
  const path = [...each.path, 'meta', ...found.path];
  const message = `"ack: manual" has no effect: ${withArticle(each.type)} has no code that requests the acks of records`;
  problems.warn({ code: 'setting-invalid', path, message });
}

function checkPollInterval(each: DraftFunction, problems: ProblemList): void {
  const found = findMetaSetting(each.meta, 'max.poll.interval.ms');
  if (!Number.isInteger(found?.value) || Number(found?.value) < 1 || Number(found?.value) >= 11_000) return;
  const path = [...each.path, 'meta', ...(found?.path ?? [])];
  const message = `${found?.value} ms is short: below 11000 ms, a slow record may be stopped and count as failed`;
  problems.warn({ code: 'setting-invalid', path, message });
}
