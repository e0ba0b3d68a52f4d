import type { FlowStatus } from '../../../api-contract/flow-status';
import { pause } from '../../../async/pause';

const everyMs = 500;

/** The status at once, then whenever it has changed, until the flow has closed or the signal. */
export async function* followStatus(read: () => Promise<FlowStatus>, signal: AbortSignal): AsyncIterable<FlowStatus> {
  let told = '';
  while (!signal.aborted) {
    const status = await read();
    const text = JSON.stringify(status);
    if (text !== told) yield status;
    told = text;
    if (status.closeTime !== null) return;
    await pause(everyMs, signal);
  }
}
