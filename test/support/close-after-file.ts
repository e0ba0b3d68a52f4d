interface Closer {
  readonly what: string;
  readonly close: () => unknown;
}

/**
 * Closes something when the test file has ended, also after a failed or timed out test: the last opened first. A `close`
 * that fails or takes longer than 30 s fails the file. Returns a function that closes earlier; `close` runs only once.
 * Outside a test file, as in the script that records histories, only this function closes.
 */
export function closeAfterFile(what: string, close: () => Promise<void>): () => Promise<void> {
  let closed: Promise<void> | undefined;
  const closeOnce = () => {
    closed ??= close();
    return closed;
  };
  const scope = globalThis as unknown as { readonly [key: symbol]: Closer[] | undefined };
  scope[Symbol.for('kflow.closers')]?.push({ what, close: closeOnce });
  return closeOnce;
}
