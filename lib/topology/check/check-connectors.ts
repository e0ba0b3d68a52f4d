import type { Draft, DraftFunction } from '../document/draft';
import { bulkOf } from '../document/function-meta';
import { findMetaSetting, type MetaSetting } from '../document/meta-setting';
import { withArticle } from '../function-types/function-type';
import type { TopicsRule } from '../function-types/function-type-descriptor';
import { quote } from '../problem/show-value';
import type { ProblemList } from '../read/problem-list';
import { checkTasksOf } from './check-tasks';

/** Checks what the type of each function requires: a format, a place to read or write, code. */
export function checkConnectors(draft: Draft, problems: ProblemList): void {
  for (const each of draft.functions) {
    if (each.descriptor === undefined) continue;
    const { format, topics, code } = each.descriptor;
    if (format === 'required') checkFormat(each, problems);
    checkFormatValue(each, problems);
    if (topics !== undefined) checkTopics(each, topics, problems);
    checkTasksOf(each, problems);
    if (code !== 'none') checkCode(each, { isRequired: code === 'required', draft, problems });
  }
}

function checkFormat({ raw, path, type }: DraftFunction, problems: ProblemList): void {
  if (raw.format !== undefined) return;
  const message = `${withArticle(type)} needs a format; add "format: list"`;
  problems.add({ code: 'setting-missing', path, message });
}

function checkFormatValue({ raw, path, meta, type, descriptor }: DraftFunction, problems: ProblemList): void {
  const { format } = raw;
  const { formats = [], bulkFormats = [] } = descriptor ?? {};
  if (typeof format !== 'string' || formats.length === 0) return;
  const at = { code: 'setting-invalid', path: [...path, 'format'] } as const;
  if (!formats.includes(format)) {
    const message = `must be ${formats.join(' or ')} for ${withArticle(type)}, got ${quote(format)}`;
    problems.add({ ...at, message });
  } else if (bulkFormats.includes(format) && bulkOf(meta) === undefined) {
    const message = `${quote(format)} objects are bulks; add meta.bulk.enabled, bulk.flush.timer and bulk.flush.size`;
    problems.add({ ...at, message });
  }
}

function checkTopics({ raw, path, type }: DraftFunction, rule: TopicsRule, problems: ProblemList): void {
  if (raw.topics === undefined) {
    const message = `${withArticle(type)} needs ${rule.purpose}; add "topics: ${rule.example}"`;
    problems.add({ code: 'setting-missing', path, message });
    return;
  }
  if (typeof raw.topics !== 'string') return;
  const at = { code: 'setting-invalid', path: [...path, 'topics'] } as const;
  const fault = rule.fault(raw.topics);
  if (fault !== undefined) problems.add({ ...at, message: fault });
  const doubt = fault === undefined ? rule.doubt?.(raw.topics) : undefined;
  if (doubt !== undefined) problems.warn({ ...at, message: doubt });
}

interface CodeContext {
  readonly isRequired: boolean;
  readonly draft: Draft;
  readonly problems: ProblemList;
}

/** What code uses that is a program: nothing calls a function of it by name. */
const programs = /\b(BasicRuntime|NatsSink)\b/;

function checkCode(each: DraftFunction, { isRequired, draft, problems }: CodeContext): void {
  const { meta, path, raw, type } = each;
  const [code, module, name] = (['code', 'module', 'name'] as const).map((key) => textSetting(each, key));
  const image = raw.image ?? each.globalConfig.image ?? draft.globalConfig.image;
  const at = (key: MetaSetting) => [...path, 'meta', ...(findMetaSetting(meta, key)?.path ?? [key])];
  if (findMetaSetting(meta, 'code') === undefined && findMetaSetting(meta, 'module') === undefined) {
    if (image !== undefined) return;
    if (isRequired) {
      const message = `${withArticle(type)} needs meta.code, meta.module or an image to produce records`;
      problems.add({ code: 'setting-missing', path, message });
    } else {
      const message = 'no meta.code, meta.module or image: records pass through unchanged';
      problems.warn({ code: 'setting-missing', path, message });
    }
    return;
  }
  if (code !== undefined && module !== undefined) {
    const message = 'meta.code and meta.module exclude each other; remove one';
    problems.add({ code: 'setting-invalid', path: at('module'), message, at: 'key' });
  }
  if (code === undefined) return;
  if (findMetaSetting(meta, 'name') === undefined) {
    if (programs.test(code)) return;
    const message = 'meta.code needs meta.name, the name of the function to call';
    problems.add({ code: 'setting-missing', path: at('code'), message, at: 'key' });
  } else if (name !== undefined && !/^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name)) {
    const message = `must be the name of a function in meta.code, got ${quote(name)}`;
    problems.add({ code: 'setting-invalid', path: at('name'), message });
  } else if (name !== undefined && !code.includes(name)) {
    const message = `meta.code has no function "${name}"; name the function to call`;
    problems.add({ code: 'setting-invalid', path: at('name'), message });
  }
}

function textSetting({ meta }: DraftFunction, name: MetaSetting): string | undefined {
  const value = findMetaSetting(meta, name)?.value;
  return typeof value === 'string' ? value : undefined;
}
