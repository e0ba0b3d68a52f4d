import type { Fault } from '../../topology/read/compose-value';
import { maxDepth } from '../../topology/read/nesting-depth';
import { readTokens } from './lexer';
import { readValue } from './read-value';
import type {
  BranchSyntax,
  FlowDeclaration,
  LabelSyntax,
  ResourceSyntax,
  Statement,
  StatementDestination,
  StatementSource,
  StepSyntax,
  SubflowSyntax,
  TaskCall,
  TaskDeclaration,
  TaskFlowSyntax,
  WrittenValue,
} from './syntax';
import { reservedWords, showToken, type Token } from './token';

export interface TaskFlowParsing {
  /** What could be read; complete if there are no faults. */
  readonly syntax: TaskFlowSyntax;
  /** In the order of the text. */
  readonly faults: readonly Fault[];
  /** What can be read, and is probably not meant so. */
  readonly warnings: readonly Fault[];
  /** Offsets of data that has faults. */
  readonly unreadable: ReadonlySet<number>;
}

/** Parses a task flow. After a fault, it goes on with the next statement, so that all faults are found. */
export function parseTaskFlow(text: string): TaskFlowParsing {
  const { tokens, faults } = readTokens(text);
  const parser = new FlowParser(text, tokens, [...faults]);
  const syntax = parser.parse();
  const { warnings, unreadable } = parser;
  return { syntax, faults: [...parser.faults].sort((one, other) => one.offset - other.offset), warnings, unreadable };
}

/** Ends the statement that is being read; the fault is noted already. */
class Unreadable extends Error {}

class FlowParser {
  readonly warnings: Fault[] = [];
  readonly unreadable = new Set<number>();
  private readonly tokens: readonly Token[];
  private at = 0;
  private depth = 0;
  private flow?: FlowDeclaration;
  private readonly tasks: TaskDeclaration[] = [];
  private finally?: BranchSyntax;
  private readonly declarations: number[] = [];

  constructor(
    private readonly text: string,
    tokens: readonly Token[],
    readonly faults: Fault[],
  ) {
    this.tokens = tokens.filter(({ kind }) => kind !== 'comment');
  }

  parse(): TaskFlowSyntax {
    const statements = this.statements(() => this.peek().kind === 'end');
    if (statements.length === 0 && this.faults.length === 0) this.fault(0, 'the flow has no step');
    const { flow, tasks, finally: last, declarations } = this;
    return { tasks, statements, declarations, ...given({ flow, finally: last }) };
  }

  // statements

  private statements(isEnd: () => boolean): Statement[] {
    const found: Statement[] = [];
    while (!isEnd() && this.peek().kind !== 'end') {
      const before = this.at;
      try {
        if (this.peek().kind === 'keyword') this.declaration();
        else {
          this.warnOfMark(found.length > 0);
          found.push(this.statement());
        }
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        this.recover(before);
      }
    }
    return found;
  }

  /** `A > B` is no edge. */
  private warnOfMark(hasBefore: boolean): void {
    const { kind, at } = this.peek();
    const last = this.tokens[this.at - 1];
    if (!hasBefore || (kind !== '>' && kind !== '*') || last === undefined || last.kind === ';') return;
    if (this.text.slice(last.end, at).includes('\n')) return;
    const message = `"${kind}" begins another statement here; an arrow is → or ->, and ";" ends the statement before`;
    this.warnings.push({ offset: at, message });
  }

  /** Goes to the next token that may begin a statement. */
  private recover(before: number): void {
    if (this.at === before) this.at += 1;
    for (let open = 0; this.peek().kind !== 'end'; this.at += 1) {
      const { kind } = this.peek();
      if (kind === '{') open += 1;
      else if (kind === '}') open -= 1;
      if (open < 0) return;
      if (open > 0) continue;
      if (kind === ';') {
        this.at += 1;
        return;
      }
      if (kind === 'keyword' || this.beginsLine()) return;
    }
  }

  /** Whether the next token is the first of its line, and neither it nor the token before continues a statement. */
  private beginsLine(): boolean {
    const { at, kind } = this.peek();
    const last = this.tokens[this.at - 1];
    const isContinued = kind === '→' || kind === '|' || last?.kind === '→' || last?.kind === '|';
    return !isContinued && last !== undefined && this.text.slice(last.end, at).includes('\n');
  }

  private statement(): Statement {
    const { at } = this.peek();
    const source = this.source();
    const steps = [this.step()];
    let destination: StatementDestination | undefined;
    while (destination === undefined && this.take('→') !== undefined) {
      destination = this.destination();
      if (destination === undefined) steps.push(this.step());
    }
    if (destination !== undefined && this.peek().kind === '→') {
      throw this.unexpected('nothing follows a destination; begin another statement');
    }
    this.take(';');
    return {
      at,
      ...(source === undefined ? {} : { source }),
      steps,
      ...(destination === undefined ? {} : { destination }),
    };
  }

  private source(): StatementSource | undefined {
    const token = this.peek();
    const labels: LabelSyntax[] = [];
    while (this.peek(labels.length).kind === 'label') labels.push(labelOf(this.peek(labels.length)));
    if (labels.length > 0 && this.peek(labels.length).kind === '→') {
      this.at += labels.length + 1;
      return { kind: 'labels', at: token.at, labels };
    }
    if (token.kind !== 'constant' && token.kind !== 'resource') return undefined;
    this.at += 1;
    const source: StatementSource =
      token.kind === 'resource'
        ? this.resource(token)
        : {
            kind: 'constant',
            at: token.at,
            ...(this.value(token) ?? { value: {}, place: { at: token.at, key: token.at } }),
          };
    if (this.take('→') === undefined) throw this.unexpected('expected an arrow (→ or ->) to the step that gets it');
    return source;
  }

  private resource(token: Token): ResourceSyntax {
    const parameters = this.parameters();
    return { kind: 'resource', at: token.at, uri: token.text, ...(parameters === undefined ? {} : { parameters }) };
  }

  /** Undefined if a step follows. */
  private destination(): StatementDestination | undefined {
    const token = this.peek();
    if (token.kind === 'resource') {
      this.at += 1;
      return this.resource(token);
    }
    if (token.kind === 'constant') throw this.unexpected('a constant can only begin a statement');
    const isMerged = token.kind === '>' && this.peek(1).kind === 'label';
    const label = this.peek(isMerged ? 1 : 0);
    if (label.kind !== 'label' || (!isMerged && this.beginsStep(this.peek(1)))) return undefined;
    this.at += isMerged ? 2 : 1;
    return { ...labelOf(label), ...(isMerged ? { merge: true as const } : {}) };
  }

  // steps

  private beginsStep({ kind }: Token): boolean {
    return kind === 'name' || kind === '{' || kind === '>' || kind === '*' || kind === '?';
  }

  private step(): StepSyntax {
    const { at } = this.peek();
    const label = this.take('label');
    const mode = this.take('*') ?? this.take('>');
    const second = mode === undefined ? undefined : (this.take('*') ?? this.take('>'));
    if (second !== undefined) this.fault(second.at, 'a step either merges its input (>) or runs for each item (*)');
    const guard = this.guard();
    const marks = [mode === undefined ? [] : [mode.kind], guard === undefined ? [] : ['a guard']].flat();
    if (marks.length > 0 && !['name', '{'].includes(this.peek().kind)) {
      throw this.unexpected(`${marks[0] === 'a guard' ? 'a guard' : `"${marks[0]}"`} stands before its step`);
    }
    const branch = this.branch();
    const output = this.take('label');
    return {
      ...branch,
      at,
      ...(label === undefined ? {} : { input: labelOf(label) }),
      ...(mode === undefined ? {} : { mode: mode.kind === '*' ? ('map' as const) : ('merge' as const) }),
      ...(guard === undefined ? {} : { guard: { at: guard.textAt, text: guard.text } }),
      ...(output === undefined ? {} : { output: labelOf(output) }),
    };
  }

  private guard(): Token | undefined {
    if (this.take('?') === undefined) return undefined;
    const guard = this.take('guard');
    if (guard === undefined) throw this.unexpected('a guard is a JSONPath in backquotes: ? `$[?(@.status = 0)]`');
    return guard;
  }

  /** A task, list or subflow, with its `catch`. */
  private branch(): BranchSyntax {
    const { at } = this.peek();
    const run = this.peek().kind === '{' ? this.subflow() : this.tasksInList();
    if (!this.isWord('catch')) return { at, run };
    this.at += 1;
    if (this.depth >= maxDepth) throw this.unexpected('nested too deep for a task flow');
    this.depth += 1;
    const branch = this.branch();
    this.depth -= 1;
    return { at, run, catch: branch };
  }

  private tasksInList(): BranchSyntax['run'] {
    const first = this.call();
    const tasks = [first];
    while (this.take('|') !== undefined) tasks.push(this.call());
    return tasks.length === 1 ? first : { kind: 'list', at: first.at, tasks };
  }

  private call(): TaskCall {
    const token = this.peek();
    if (token.kind === '{') throw this.unexpected('a list has only tasks; put subflows side by side in braces');
    if (token.kind === '}' && this.depth === 0)
      throw this.unexpected('this closing brace has no opening one', token.at);
    if (token.kind !== 'name') throw this.unexpected('expected a task, a list (A|B) or a subflow in braces');
    this.refuseWord(token);
    this.at += 1;
    const parameters = this.parameters();
    const policy = this.policy();
    return { kind: 'task', at: token.at, name: token.text, ...given({ parameters, policy }) };
  }

  private subflow(): SubflowSyntax {
    const statements = this.block();
    const policy = this.policy();
    return { kind: 'subflow', ...statements, ...given({ policy }) };
  }

  private block(): { readonly at: number; readonly statements: readonly Statement[] } {
    const open = this.expect('{', 'expected a subflow in braces');
    const first = this.at;
    if (this.depth >= maxDepth) throw this.unexpected('nested too deep for a task flow');
    this.depth += 1;
    const faults = this.faults.length;
    const statements = this.statements(() => this.peek().kind === '}');
    this.depth -= 1;
    const isRead = this.tokens.slice(first, this.at + 1).every(({ kind }) => kind !== 'unknown');
    if (statements.length === 0 && this.faults.length === faults && isRead)
      this.fault(open.at, 'a subflow needs a step');
    if (this.take('}') === undefined && !isRead) throw new Unreadable();
    if (this.tokens[this.at - 1]?.kind !== '}') throw this.unexpected('the subflow has no closing brace', open.at);
    return { at: open.at, statements };
  }

  private parameters(): WrittenValue | undefined {
    const token = this.take('parameters');
    return token === undefined ? undefined : this.value(token);
  }

  /** `with` and a policy. */
  private policy(): WrittenValue | undefined {
    if (!this.isWord('with')) return undefined;
    this.at += 1;
    return this.value(this.expect('parameters', reservedWords.get('with') ?? ''));
  }

  private value({ textAt, text }: Token): WrittenValue | undefined {
    const { written, faults } = readValue(this.text, textAt, textAt + text.length);
    this.faults.push(...faults);
    if (faults.length === 0) return written;
    const { value = {}, place = { at: textAt, key: textAt } } = written ?? {};
    this.unreadable.add(place.at);
    return { value, place };
  }

  // declarations

  private declaration(): void {
    const keyword = this.peek();
    if (this.depth > 0) throw this.unexpected('declarations are not possible in a subflow; move it out of the braces');
    this.at += 1;
    this.declarations.push(keyword.at);
    if (keyword.text === 'flow') this.flow = this.flowDeclaration(keyword);
    else if (keyword.text === 'task') this.tasks.push(this.taskDeclaration(keyword));
    else if (keyword.text === 'finally') this.finallyDeclaration(keyword);
    else throw this.unexpected(`expected @flow, @task or @finally, got "@${keyword.text}"`, keyword.at);
    this.take(';');
  }

  private flowDeclaration({ at }: Token): FlowDeclaration {
    const name = this.expect('name', '@flow needs a name').text;
    const parameters = this.parameters();
    const doc = this.take('doc')?.text;
    return { at, name, ...given({ parameters, doc }) };
  }

  private taskDeclaration({ at }: Token): TaskDeclaration {
    this.refuseWord(this.peek());
    const name = this.expect('name', '@task needs the name of a task').text;
    const equals = this.take('=');
    const base =
      equals === undefined ? undefined : this.expect('name', 'expected the task that the name stands for').text;
    const parameters = this.parameters();
    const policy = this.policy();
    const doc = this.take('doc')?.text;
    if (this.peek().kind !== '{') return { at, name, ...given({ base, parameters, policy, doc }) };
    const { at: open, statements } = this.block();
    if (base !== undefined) this.fault(open, `"${name}" stands either for another task or for a subflow`);
    return { at, name, ...given({ base, parameters, policy, doc }), statements };
  }

  private finallyDeclaration({ at }: Token): void {
    if (this.finally !== undefined) this.fault(at, 'there is a @finally already; put all steps into one subflow');
    this.finally = this.branch();
    if (this.peek().kind === '→')
      throw this.unexpected('@finally has a single step; write several in braces: { A → B }');
  }

  // tokens

  private peek(ahead = 0): Token {
    return this.tokens[Math.min(this.at + ahead, this.tokens.length - 1)] as Token;
  }

  private take(kind: Token['kind']): Token | undefined {
    const token = this.peek();
    if (token.kind !== kind) return undefined;
    this.at += 1;
    return token;
  }

  private expect(kind: Token['kind'], message: string): Token {
    const token = this.take(kind);
    if (token === undefined) throw this.unexpected(message);
    return token;
  }

  private isWord(word: string): boolean {
    const token = this.peek();
    return token.kind === 'name' && token.text === word;
  }

  private refuseWord({ kind, text, at }: Token): void {
    const message = kind === 'name' ? reservedWords.get(text) : undefined;
    if (message !== undefined) throw this.unexpected(message, at);
  }

  /** What follows from a part that was reported already is not reported. */
  private unexpected(message: string, offset?: number): Unreadable {
    const token = this.peek();
    if (token.kind === 'unknown' && offset === undefined) return new Unreadable();
    this.fault(offset ?? token.at, offset === undefined ? `${message}, got ${showToken(token)}` : message);
    return new Unreadable();
  }

  private fault(offset: number, message: string): void {
    this.faults.push({ offset, message });
  }
}

function labelOf({ at, text }: Token): LabelSyntax {
  return { kind: 'label', at, name: text };
}

/** Without the keys that have no value. */
function given<T extends object>(map: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(map).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
