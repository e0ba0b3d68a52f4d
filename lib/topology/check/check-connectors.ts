import type { Draft, DraftFunction } from '../document/draft';
import { findMetaSetting, type MetaSetting } from '../document/meta-setting';
import { withArticle } from '../function-types/function-type';
import { quote } from '../problem/show-value';
import type { ProblemList } from '../read/problem-list';

/** What each type of function needs to work at all: a place to read or write, or code. */
export function checkConnectors(draft: Draft, problems: ProblemList): void {
  for (const each of draft.functions) {
    if (each.type === 'fs-source') checkFormat(each, problems);
    if (each.type === 'fs-source' || each.type === 's3-sink') checkTopics(each, problems);
    if (each.type === 'raw-source' || each.type === 'raw') checkCode(each, { draft, problems });
  }
}

function checkFormat({ raw, path }: DraftFunction, problems: ProblemList): void {
  if (raw.format !== undefined) return;
  const message = 'an fs-source needs its format; add "format: list"';
  problems.add({ code: 'setting-missing', path, message });
}

function checkTopics({ raw, path, type }: DraftFunction, problems: ProblemList): void {
  const verb = type === 'fs-source' ? 'read' : 'write into';
  if (raw.topics === undefined) {
    const message = `${withArticle(type ?? '')} needs the bucket to ${verb}; add "topics: s3a://bucket/prefix"`;
    problems.add({ code: 'setting-missing', path, message });
    return;
  }
  if (typeof raw.topics !== 'string') return;
  const [, bucket] = /^s3a:\/\/([^/]*)(\/.*)?$/s.exec(raw.topics) ?? [];
  if (bucket !== undefined && isBucketName(bucket)) return;
  const fault = bucket === undefined ? '' : `; a bucket's name ${bucketRule}`;
  const message = `must be s3a://bucket or s3a://bucket/prefix, got ${quote(raw.topics)}${fault}`;
  problems.add({ code: 'setting-invalid', path: [...path, 'topics'], message });
}

/** S3's rule of a bucket name, in words. */
export const bucketRule = 'has 3 to 63 lower-case letters, digits, dots and dashes, and a letter or digit at both ends';

export function isBucketName(name: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes('..') && !/^\d+(\.\d+){3}$/.test(name);
}

function checkCode(each: DraftFunction, { draft, problems }: { draft: Draft; problems: ProblemList }): void {
  const { meta, path, raw, type } = each;
  const [code, module, name] = (['code', 'module', 'name'] as const).map((key) => textSetting(each, key));
  const image = raw.image ?? each.globalConfig.image ?? draft.globalConfig.image;
  const at = (key: MetaSetting) => [...path, 'meta', ...(findMetaSetting(meta, key)?.path ?? [key])];
  if (findMetaSetting(meta, 'code') === undefined && findMetaSetting(meta, 'module') === undefined) {
    if (image !== undefined) return;
    if (type === 'raw-source') {
      const message = 'a raw-source needs meta.code or meta.module (or an image) to make records';
      problems.add({ code: 'setting-missing', path, message });
    } else {
      const message = 'it has neither meta.code nor meta.module nor an image: it passes its records on unchanged';
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
    const message = 'meta.code needs meta.name, the name of the function in it that is called';
    problems.add({ code: 'setting-missing', path: at('code'), message, at: 'key' });
  } else if (name !== undefined && !/^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name)) {
    const message = `must be the name of a function in meta.code, got ${quote(name)}`;
    problems.add({ code: 'setting-invalid', path: at('name'), message });
  } else if (name !== undefined && !code.includes(name)) {
    const message = `meta.code has no function "${name}"; write the name of the one to call`;
    problems.add({ code: 'setting-invalid', path: at('name'), message });
  }
}

function textSetting({ meta }: DraftFunction, name: MetaSetting): string | undefined {
  const value = findMetaSetting(meta, name)?.value;
  return typeof value === 'string' ? value : undefined;
}
