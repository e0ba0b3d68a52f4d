const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Words of Python that no parameter of a function can be named. */
const keywords = new Set(
  'False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield'.split(
    ' ',
  ),
);

/** What the name of an input or output must be, for messages. */
export const identifierRule = 'letters, digits and _, not beginning with a digit, and no keyword of Python';

/** Whether a text can name an input or output, which user code has as a parameter. */
export function isIdentifier(text: string): boolean {
  return identifier.test(text) && !keywords.has(text);
}
