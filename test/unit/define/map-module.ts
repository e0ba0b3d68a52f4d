import type { Context } from '../../../lib/define/sdk';

/** @public Part of a module for `fromModule`, but not a function. */
export const version = 1;

/** @public */
export function lengthOf(_ctx: Context, event: { readonly key: string }): { n: number } {
  return { n: event.key.length };
}

/** @public */
export function double(_ctx: Context, event: { readonly n: number }): { n: number } {
  return { n: event.n * 2 };
}
