import { ConfigError } from '../../../../lib/errors';
import type { ExecutionList, ExecutionQuery, ExecutionView } from '../../../api-contract/execution-status';

/** One page of the executions that match; `views` are the newest first. */
export function pageOf(views: readonly ExecutionView[], query: ExecutionQuery): ExecutionList {
  const { limit, continue: from } = query;
  const attributes = [query.attribute ?? []].flat().map(parseAttribute);
  const matching = views.filter(
    (view) => matches(view, query) && attributes.every(([name, value]) => view.attributes[name] === value),
  );
  const start = from === undefined ? 0 : matching.findIndex((view) => cursorOf(view) <= from);
  const rest = start < 0 ? [] : matching.slice(start);
  const next = rest[limit];
  return { executions: rest.slice(0, limit), ...(next === undefined ? {} : { continue: cursorOf(next) }) };
}

function matches(view: ExecutionView, { name, status, schedule, since, until }: ExecutionQuery): boolean {
  const startedMs = Date.parse(view.startedAt);
  return (
    (name === undefined || view.name === name) &&
    (status === undefined || view.status === status) &&
    (schedule === undefined || view.schedule === schedule) &&
    (since === undefined || startedMs >= Date.parse(since)) &&
    (until === undefined || startedMs <= Date.parse(until))
  );
}

/** Sorts as the list does, so that a page starts at the same place when its first execution is gone. */
function cursorOf({ startedAt, execution, namespace }: ExecutionView): string {
  return `${startedAt}/${execution}/${namespace}`;
}

function parseAttribute(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new ConfigError('config-invalid', `attribute: expected name=value, got ${JSON.stringify(text)}`);
}
