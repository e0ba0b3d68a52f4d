/** Interval between redraws, because ages and rates change with time. */
const redrawEveryMs = 1_000;

type Draw = { (text: string): void; clear(): void; done(): void };

/** A text that is redrawn in place on a terminal, cut to the height of the terminal. */
export class LiveView {
  private timer: NodeJS.Timeout | undefined;
  private render: (() => string) | undefined;

  private constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly draw: Draw,
  ) {}

  /** Undefined when the stream is not a terminal. */
  static async open(stream: NodeJS.WriteStream): Promise<LiveView | undefined> {
    if (!stream.isTTY) return undefined;
    // an ES module, hence import(); the cursor stays visible, as Ctrl-C would leave it hidden
    const view = new LiveView(stream, (await import('log-update')).createLogUpdate(stream, { showCursor: true }));
    view.timer = setInterval(() => view.redraw(), redrawEveryMs).unref();
    return view;
  }

  show(render: () => string): void {
    this.render = render;
    this.redraw();
  }

  /** Writes a permanent line above the live text. */
  say(line: string): void {
    this.draw.clear();
    this.stream.write(`${line}\n`);
    this.redraw();
  }

  /** Stops redrawing and leaves the last text on the terminal. */
  close(): void {
    clearInterval(this.timer);
    this.redraw();
    this.draw.done();
    this.render = undefined;
  }

  private redraw(): void {
    if (this.render === undefined) return;
    const lines = this.render().trimEnd().split('\n');
    const room = Math.max(2, this.stream.rows - 1);
    const hidden = lines.length - room + 1;
    this.draw((hidden <= 1 ? lines : [...lines.slice(0, room - 1), `… ${hidden} more lines`]).join('\n'));
  }
}
