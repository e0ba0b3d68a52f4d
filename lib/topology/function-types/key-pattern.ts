type Token =
  | { readonly is: 'character'; readonly character: string }
  /** `?`: one character, except a slash. */
  | { readonly is: 'one' }
  /** `*`: any characters, except slashes. */
  | { readonly is: 'many' }
  /** `**`: any characters. */
  | { readonly is: 'deep' }
  /** `**` and a slash, at the start of a folder: any number of folders, also none. */
  | { readonly is: 'folders' };

/**
 * The keys below a bucket that a text names. `*` stands for any characters of one folder or name, `?` for one of them, and
 * `**` for any characters, slashes included; as a whole folder it also stands for none. `\*`, `\?` and `\\` stand for the
 * characters themselves, and so do brackets and braces.
 */
export class KeyPattern {
  private readonly tokens: readonly Token[];

  constructor(text: string) {
    this.tokens = tokensOf(text);
  }

  /** The start of every key: the characters before the first wildcard. */
  get prefix(): string {
    const end = this.tokens.findIndex(({ is }) => is !== 'character');
    return charactersOf(end < 0 ? this.tokens : this.tokens.slice(0, end));
  }

  get hasWildcards(): boolean {
    return this.tokens.some(({ is }) => is !== 'character');
  }

  /** Whether the only wildcard is one `*`, at the end. */
  get isPrefix(): boolean {
    return this.tokens.findIndex(({ is }) => is !== 'character') === this.tokens.length - 1 && this.lastIs('many');
  }

  /** Follows all readings of the wildcards at once: the time is at most the product of both lengths. */
  matches(key: string): boolean {
    let states = this.closure(new Set([0]), '/');
    for (const character of key) {
      const next = new Set<number>();
      for (const state of states) {
        const token = this.tokens[state];
        if (token !== undefined && accepts(token, character)) next.add(repeats(token) ? state : state + 1);
      }
      states = this.closure(next, character);
    }
    return states.has(this.tokens.length);
  }

  /** Adds the states after wildcards that may stand for nothing. */
  private closure(states: Set<number>, before: string): ReadonlySet<number> {
    // the loop also visits members that are added during it
    for (const state of states) {
      const token = this.tokens[state];
      if (token === undefined || !repeats(token)) continue;
      if (token.is !== 'folders' || before === '/') states.add(state + 1);
    }
    return states;
  }

  private lastIs(is: Token['is']): boolean {
    return this.tokens.at(-1)?.is === is;
  }
}

function accepts(token: Token, character: string): boolean {
  if (token.is === 'character') return token.character === character;
  return token.is === 'deep' || token.is === 'folders' || character !== '/';
}

function repeats({ is }: Token): boolean {
  return is === 'many' || is === 'deep' || is === 'folders';
}

function charactersOf(tokens: readonly Token[]): string {
  return tokens.map((token) => (token.is === 'character' ? token.character : '')).join('');
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  for (const [part, escaped] of text.matchAll(/\\([*?\\])|\*\*+\/?|./gsu)) {
    const previous = tokens.at(-1);
    const isAtStart = previous === undefined || (previous.is === 'character' && previous.character === '/');
    if (escaped !== undefined) tokens.push({ is: 'character', character: escaped });
    else if (part === '?') tokens.push({ is: 'one' });
    else if (part === '*') tokens.push({ is: 'many' });
    else if (!part.startsWith('**')) tokens.push({ is: 'character', character: part });
    else if (part.endsWith('/') && (isAtStart || previous.is === 'folders')) tokens.push({ is: 'folders' });
    else tokens.push({ is: 'deep' }, ...(part.endsWith('/') ? [{ is: 'character', character: '/' } as const] : []));
  }
  return tokens;
}
