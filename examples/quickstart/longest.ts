import type { Context } from 'kflow/function';

interface Text {
  readonly key: string;
  readonly words: number;
  readonly text: string;
}

/** Keeps the longest word of a text, the first of equally long ones, and leaves the text itself behind. */
export function keepLongest(ctx: Context, { key, words, text }: Text) {
  const longest = text.split(/[^\p{L}]+/u).reduce((best, word) => (word.length > best.length ? word : best), '');
  ctx.logger.debug('longest word of', key, 'is', longest);
  return { key, words, longest };
}
