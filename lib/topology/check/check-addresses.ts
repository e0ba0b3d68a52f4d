import type { PlainMap } from '../../plain-map';
import { overlay, sectionOf } from '../document/complete-topology';
import { isDnsSubdomain } from '../document/dns-label';
import type { Draft, DraftFunction } from '../document/draft';
import type { DocumentPath } from '../problem/problem';
import { quote } from '../problem/show-value';
import type { ProblemList } from '../read/problem-list';

/** Checks the servers that manifests must name, because nothing supplies them when the pods run. */
export function checkAddresses(draft: Draft, problems: ProblemList): void {
  const section = (each: DraftFunction, name: string): PlainMap =>
    overlay(sectionOf(draft.globalConfig, name), sectionOf(each.globalConfig, name));
  const missing = (path: DocumentPath, what: string, way: string) =>
    problems.add({ code: 'setting-missing', path, message: `${what}; add ${way}`, at: 'key' });
  const { enabled, ...devStore } = sectionOf(draft.globalConfig, 'devStore');
  for (const key of enabled === true ? ['addr', 'topics'] : []) {
    const at = ['globalConfig', 'devStore'];
    if (devStore[key] === undefined) missing(at, `devStore has no ${key}`, `globalConfig.devStore.${key}`);
  }
  checkWritten(draft, problems);
  for (const each of draft.functions) {
    const { descriptor, raw, path } = each;
    if (
      descriptor?.connectsTo === 'object-store' &&
      raw.addr === undefined &&
      section(each, 'store').addr === undefined
    ) {
      missing(path, 'the S3 server is missing', '"addr: host:port", or globalConfig.store.addr for all functions');
    }
    const isAddrRequired = descriptor !== undefined && 'addr' in descriptor && descriptor.addr === 'required';
    if (isAddrRequired && raw.addr === undefined) {
      missing(path, 'the server is missing', '"addr: host:port"');
    }
    if (sectionOf(each.globalConfig, 'messageStore').enabled !== true) continue;
    const store = section(each, 'messageStore');
    const at = [...path, 'globalConfig', 'messageStore', 'enabled'];
    if (store.addr === undefined)
      missing(at, 'the S3 server for large messages is missing', 'globalConfig.messageStore.addr');
    if (store.topics === undefined)
      missing(at, 'the bucket for large messages is missing', 'globalConfig.messageStore.topics');
  }
}

/** Checks addresses and names of Secrets, which must be valid in manifests. */
function checkWritten(draft: Draft, problems: ProblemList): void {
  const invalid = (path: DocumentPath, message: string) => problems.add({ code: 'setting-invalid', path, message });
  const check = (map: PlainMap, path: DocumentPath) => {
    const { addr, secret } = map;
    const servers = typeof addr === 'string' && !addr.includes('@') ? addr.split(',') : [];
    if (servers.some((server) => !isAddress(server.trim()))) {
      invalid([...path, 'addr'], `must be host:port, got ${quote(String(addr))}`);
    }
    if (typeof secret !== 'string' || isDnsSubdomain(secret)) return;
    invalid(
      [...path, 'secret'],
      `must be the name of a Secret: lower-case letters, digits, dots and dashes; got ${quote(secret)}`,
    );
  };
  const sections = (config: PlainMap, path: DocumentPath) => {
    for (const name of ['store', 'messageStore', 'devStore', 'sideStream'])
      check(sectionOf(config, name), [...path, name]);
  };
  sections(draft.globalConfig, ['globalConfig']);
  for (const { raw, path, globalConfig } of draft.functions) {
    check(raw, path);
    sections(globalConfig, [...path, 'globalConfig']);
  }
}

/** Whether a text is `host`, `host:port` or a URL of one, with a valid port and IPv4 address. */
export function isAddress(text: string): boolean {
  const match = /^(?:\w+:\/\/)?(\[[0-9a-fA-F:]+\]|[^\s/:@[\]]+)(?::(\d{1,5}))?(?:\/\S*)?$/.exec(text);
  if (match === null) return false;
  const [, host = '', port] = match;
  const isPort = port === undefined || (Number(port) >= 1 && Number(port) <= 65_535);
  const isNumbers = /^\d+(\.\d+){3}$/.test(host);
  return isPort && (!isNumbers || host.split('.').every((part) => Number(part) <= 255));
}

/** Whether a text is `host:port` without a scheme. */
export function isHostAndPort(text: string): boolean {
  return isAddress(text) && /^([^/:]+|\[[^\]]+\]):\d+$/.test(text);
}
