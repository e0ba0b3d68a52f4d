import type { DocumentPath } from './problem';

/** Renders a value for a message: short, text in quotes, and without passwords and values of variables. */
export function showValue(path: DocumentPath, value: unknown, written?: string): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'an empty map' : 'a map';
  const isSecret =
    ['password', 'sessionToken'].includes(String(path.at(-1))) || (path.includes('env') && path.at(-1) !== 'name');
  if (isSecret) return typeof value === 'number' ? 'a number' : typeof value === 'boolean' ? 'a boolean' : 'text';
  if (typeof value === 'string') return quote(value);
  return written ?? String(value);
}

/** Renders text in quotes on one line, shortened to 60 characters. */
export function quote(text: string): string {
  const line = withoutSecrets(text).replace(/\s+/g, ' ');
  return line.length > 60 ? `"${line.slice(0, 57)}..."` : `"${line}"`;
}

/** Endings of names of secrets, after any prefix. */
const longWords = /(password|passwd|passphrase|secrets?|credentials?)$/;
/** Endings that count only as separate words. */
const shortWords =
  /(^|_)(pass|pwd|pat|token|authorization|cookie|(api|access|private|secret|signing|encryption)_?key)$/;

/**
 * Whether a name is that of a secret: `DB_PASSWORD`, `apiKey`, `MYSQL_PWD`, `token2`; not `max_tokens` or `tokenizer`, nor
 * `imagePullSecrets`, which are names.
 */
export function isSecretName(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/_?\d+$/, '');
  return words !== 'image_pull_secrets' && (longWords.test(words) || shortWords.test(words));
}

/** Settings named `authorization` that are ways to authorize, and no credentials. */
const wayToAuthorize =
  /^(none|basic|bearer|digest|negotiate|oauth2?|oidc|rbac|required|optional|enabled|disabled|true|false)$/i;

/** Whether a setting holds a secret, judging by its name and value: not `authorization: none` or `sessionCookie: JSESSIONID`. */
export function isSecretSetting(name: string, value: string): boolean {
  if (value === '') return false;
  if (carriesSecret(value)) return true;
  if (!isSecretName(name)) return false;
  if (/authorization$/i.test(name)) return !wayToAuthorize.test(value);
  // the cookie of Erlang is a password; others are a name with a value
  return !/cookie$/i.test(name) || /erlang/i.test(name) || value.includes('=');
}

/**
 * Whether a text contains a secret: `scheme://user:password@host`, `password=…` as in program arguments, or `Bearer …` and
 * `Basic …` as in headers of HTTP.
 */
export function carriesSecret(text: string): boolean {
  return (
    carriesCredentials(text) ||
    /(password|passwd|secret|token|api[_-]?key)=\S/i.test(text) ||
    /(^|[\s"':])Bearer (?=\S*\d)([\w.~+/-]{16,}|[\w.~+/-]{8,}=*(?![\w.~+/= -]))/.test(text) ||
    [...text.matchAll(/(?<=^|[\s"':])Basic ([\w+/-]{4,}=*)/g)].some(([, login = '']) => isLogin(login))
  );
}

/** Whether base64 is `user:password`. */
function isLogin(base64: string): boolean {
  return /^[^\p{Cc}\ufffd]*:/u.test(Buffer.from(base64, 'base64').toString());
}

/** Whether a text contains an address with a user and password. */
export function carriesCredentials(text: string): boolean {
  return /:\/\/[^\s/@]*:[^\s@]+@/.test(text);
}

/** Removes credentials from addresses, and everything after `password=` and the like. Digests of images stay. */
function withoutSecrets(text: string): string {
  const addresses = text
    .replace(/\/\/\S*@/g, '//…@')
    .replace(/(^|[\s,])[^\s,/@]*:(?!\/\/)[^\s,@]*@(?!sha256:)/g, '$1…@');
  return addresses.replace(/((?:pass|secret|token|key)\w*=).*/is, '$1…');
}
