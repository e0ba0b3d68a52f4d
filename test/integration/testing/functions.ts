/** Functions of a language, each named `run`, over records with a field `n`. */
export interface TestedCode {
  readonly language: 'python' | 'typescript';
  /** Returns twice the `n`. */
  readonly doubles: string;
  /** Returns `n` and `n + 100`. */
  readonly splits: string;
  /** Throws a ValueError or RangeError `not 2` if `n` is 2, else returns its event. */
  readonly failsOnTwo: string;
  /** Sends its event to the side output `odd` if `n` is odd, else returns it. */
  readonly sorts: string;
  /** Returns nothing; its finish gives the sum. */
  readonly totals: string;
  /** Requests acks for each three records, and returns their sum; its finish the rest. */
  readonly groups: string;
  /** Exits if `n` is 2, else returns its event. */
  readonly exitsOnTwo: string;
  /** Throws the first time that its process gets an `n` that 3 divides, else returns its event. */
  readonly failsOnce: string;
  /** Never returns. */
  readonly hangs: string;
  /** Returns the number in the environment variable `STEP` as `n`. */
  readonly readsEnv: string;
  /** A source that yields 0, 1, 2 and so on without end. */
  readonly counts: string;
  /** A source that returns 1, a record that does not fit, and 3, then nothing. */
  readonly lists: string;
  readonly errorType: string;
}

export const pythonCode: TestedCode = {
  language: 'python',
  errorType: 'ValueError',
  doubles: 'def run(ctx, event): return {"n": event["n"] * 2}',
  splits: 'def run(ctx, event): return [event, {"n": event["n"] + 100}]',
  failsOnTwo: `def run(ctx, event):
    if event["n"] == 2: raise ValueError("not 2")
    return event`,
  sorts: `def run(ctx, event):
    if event["n"] % 2 == 0: return event
    ctx.to_side_stream("odd", event)`,
  totals: `total = 0
def run(ctx, event):
    global total
    total += event["n"]
def finish(ctx): return {"n": total}`,
  groups: `group = []
def run(ctx, event):
    group.append(event["n"])
    return flush(ctx) if len(group) == 3 else None
def flush(ctx):
    ctx.request_ack()
    total = {"n": sum(group)}
    group.clear()
    return total
def finish(ctx):
    return flush(ctx) if group else None`,
  exitsOnTwo: `import os
def run(ctx, event):
    if event["n"] == 2: os._exit(3)
    return event`,
  failsOnce: `seen = set()
def run(ctx, event):
    if event["n"] % 3 == 0 and event["n"] not in seen:
        seen.add(event["n"])
        raise ValueError("not yet")
    return event`,
  hangs: `import time
def run(ctx, event):
    while True: time.sleep(1)`,
  counts: `def run():
    n = 0
    while True:
        yield {"n": n}
        n += 1`,
  lists: `lists = [[{"n": 1}, {"n": "x"}, {"n": 3}]]
def run(): return lists.pop() if lists else None`,
  readsEnv: `import os
def run(ctx, event): return {"n": int(os.environ["STEP"])}`,
};

export const typeScriptCode: TestedCode = {
  language: 'typescript',
  errorType: 'RangeError',
  doubles: 'export function run(ctx, event) { return { n: event.n * 2 }; }',
  splits: 'export function run(ctx, event) { return [event, { n: event.n + 100 }]; }',
  failsOnTwo: `export function run(ctx, event) {
  if (event.n === 2) throw new RangeError('not 2');
  return event;
}`,
  sorts: `export function run(ctx, event) {
  if (event.n % 2 === 0) return event;
  ctx.toSideStream('odd', event);
}`,
  totals: `let total = 0;
export function run(ctx, event) { total += event.n; }
export function finish() { return { n: total }; }`,
  groups: `const group: number[] = [];
export function run(ctx, event) {
  group.push(event.n);
  return group.length === 3 ? flush(ctx) : undefined;
}
function flush(ctx) {
  ctx.requestAck();
  return { n: group.splice(0).reduce((sum, n) => sum + n, 0) };
}
export function finish(ctx) {
  return group.length > 0 ? flush(ctx) : undefined;
}`,
  exitsOnTwo: `export function run(ctx, event) {
  if (event.n === 2) process.exit(3);
  return event;
}`,
  failsOnce: `const seen = new Set<number>();
export function run(ctx, event) {
  if (event.n % 3 !== 0 || seen.has(event.n)) return event;
  seen.add(event.n);
  throw new RangeError('not yet');
}`,
  hangs: 'export function run() { return new Promise(() => setInterval(() => {}, 1000)); }',
  counts: 'export function* run() { for (let n = 0; ; n++) yield { n }; }',
  lists: `const lists = [[{ n: 1 }, { n: 'x' }, { n: 3 }]];
export function run() { return lists.pop() ?? null; }`,
  readsEnv: 'export function run() { return { n: Number(process.env.STEP) }; }',
};
