/** What `kflow dlq` does with letters. */
export const letterActions = [
  'groups',
  'list',
  'show',
  'export',
  'redrive',
  'redrives',
  'cancel',
  'discard',
  'restore',
] as const;
export type LetterAction = (typeof letterActions)[number];
