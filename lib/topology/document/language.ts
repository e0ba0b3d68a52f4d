interface LanguageDescriptor {
  /** Extensions of the language's files. Inline code is written to files with the first one. */
  readonly extensions: readonly [`.${string}`, ...`.${string}`[]];
}

/**
 * The languages of user code, by their names in the document. Everything else that differs between languages is defined
 * where it is used, in an object with a key per `Language`, so that a new language does not compile without it.
 */
export const languages = {
  python: { extensions: ['.py'] },
  typescript: { extensions: ['.ts', '.mts', '.cts'] },
  javascript: { extensions: ['.js', '.mjs', '.cjs'] },
} as const satisfies { readonly [name: string]: LanguageDescriptor };

export type Language = keyof typeof languages;

/** Names of all languages, in the order of the table. */
export const languageNames = Object.keys(languages) as [Language, ...Language[]];

/** The language of code without `meta.language`. */
export const defaultLanguage: Language = 'python';

/** The language of a file by its extension; undefined for an unknown extension. */
export function languageOfFile(path: string): Language | undefined {
  const extension = /\.\w+$/.exec(path)?.[0];
  return languageNames.find((name) => languages[name].extensions.some((each) => each === extension));
}
