/** The kind of the Kubernetes object that a text begins with, as in the files of Argo CD; undefined for any other text. */
export function kubernetesKind(text: string): string | undefined {
  if (!text.includes('apiVersion')) return undefined;
  const keys = /^\s*\{/.test(text) ? keysOfJson(text) : keysOfYaml(text);
  return keys.has('apiVersion') && !keys.has('dag') ? keys.get('kind') : undefined;
}

/** In block style, a key of the first level begins a line. */
function keysOfYaml(text: string): ReadonlyMap<string, string> {
  const found = [...text.matchAll(/^(apiVersion|kind|dag):\s*["']?(\w*)/gm)].reverse();
  return new Map(found.map(([, key = '', value = '']) => [key, value]));
}

function keysOfJson(text: string): ReadonlyMap<string, string> {
  try {
    return new Map(Object.entries(JSON.parse(text)).map(([key, value]) => [key, String(value)]));
  } catch {
    // the parser of documents reports what is wrong
    return new Map();
  }
}
