import { Context } from '@temporalio/activity';

/** The signal of the activity that runs this; undefined outside of one. */
export function cancellation(): AbortSignal | undefined {
  try {
    return Context.current().cancellationSignal;
  } catch (error) {
    if (error instanceof Error && error.message.includes('Activity context not initialized')) return undefined;
    throw error;
  }
}
