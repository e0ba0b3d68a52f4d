import { type Claim, isClaim } from '../../../../lib/tasks/advance/claims';
import type { Look, UnseenInput } from '../../../../lib/tasks/advance/execution-state';
import { guardIn } from '../../../../lib/tasks/advance/graph-reader';
import { lookInto } from '../../../../lib/tasks/advance/look';
import type { ClaimedValues } from '../claimed-values';
import { wireStep } from '../ports/task-id';
import type { LookOrders } from '../workflow/execution-activities';
import { finalFailure } from './final-failure';

/** Items of a list that is a claim stay there if they are longer: a claim takes as much. */
const maxItemLength = 120;
/** JSON of what an activity returns of a step, besides its input. */
const maxFilledLength = 250_000;

/** Looks into the input of a node, with its claims resolved. What has been found has claims in place of large values. */
export async function lookIntoInput(
  values: ClaimedValues,
  { key, run, mark }: Omit<LookOrders, 'inputs'>,
  { id, node, input }: UnseenInput,
): Promise<Look> {
  try {
    const look = lookInto(node, await values.resolve(input), guardIn(node));
    if (JSON.stringify(look.filled ?? {}).length > maxFilledLength) {
      return { fault: `what templates fill in is longer than ${maxFilledLength} characters` };
    }
    if (!('input' in look)) return look;
    if (isClaim(input, mark) && Array.isArray(look.input)) return { ...look, input: itemsOf(input, look.input) };
    const name = `${key.execution}/${run}/${wireStep(id)}/merged`;
    return { ...look, input: await values.keep(name, look.input) };
  } catch (error) {
    return { fault: finalFailure(error).message };
  }
}

function itemsOf({ $claim: { at = [], ...claim } }: Claim, list: readonly unknown[]): readonly unknown[] {
  return list.map((item, index) => {
    const { length } = JSON.stringify(item);
    return length <= maxItemLength ? item : { $claim: { ...claim, bytes: length, at: [...at, index] } };
  });
}
