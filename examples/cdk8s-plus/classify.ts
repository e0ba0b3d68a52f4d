import { readFileSync } from 'node:fs';

/** Calls an object an image when its extension is one of those in the mounted ConfigMap. */
export function classify(_ctx: unknown, event: { readonly key: string }): { key: string; label: string } {
  const extensions = readFileSync('/etc/extensions/images.txt', 'utf8').split('\n');
  const isImage = extensions.includes(event.key.split('.').at(-1) ?? '');
  return { key: event.key, label: isImage ? 'image' : (process.env.FALLBACK ?? '') };
}
