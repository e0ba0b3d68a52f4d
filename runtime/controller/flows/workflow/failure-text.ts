/** An activity's failure in the words of what failed. */
export function failureText(error: unknown): string {
  let reason = error as Error;
  while (reason.cause instanceof Error) reason = reason.cause;
  return reason.message;
}
