/** Time between two redraws: ages and rates go on while nothing else changes. */
const redrawEveryMs = 1_000;

type Draw = { (text: string): void; clear(): void; done(): void };

/** A text on a terminal that is drawn anew in place, also as time goes by; cut to the height of the terminal. */
export class LiveView {
  private timer: NodeJS.Timeout | undefined;
  private render: () => string = () => '';

  private constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly draw: Draw,
  ) {}

  static async open(stream: NodeJS.WriteStream): Promise<LiveView> {
    // an ES module, so it comes by import(); the cursor stays, as Ctrl-C would leave it hidden
    const view = new LiveView(stream, (await import('log-update')).createLogUpdate(stream, { showCursor: true }));
    view.timer = setInterval(() => view.redraw(), redrawEveryMs).unref();
    return view;
  }

  show(render: () => string): void {
    this.render = render;
    this.redraw();
  }

  /** A line that stays, above. */
  say(line: string): void {
    this.draw.clear();
    this.stream.write(`${line}\n`);
    this.redraw();
  }

  /** Leaves what was shown last. */
  close(): void {
    clearInterval(this.timer);
    this.redraw();
    this.draw.done();
  }

  private redraw(): void {
    const lines = this.render().trimEnd().split('\n');
    const room = Math.max(2, this.stream.rows - 1);
    const left = lines.length - room + 1;
    this.draw((left <= 1 ? lines : [...lines.slice(0, room - 1), `… ${left} lines more`]).join('\n'));
  }
}
