/** The functions of the suite. Each is named `run`; its records have one field, `n` or `text`. */
interface HostCode {
  /** Returns `n` plus the `step` of its meta. */
  readonly addsStep: string;
  /** Has no return statement. */
  readonly returnsNothing: string;
  /** Returns a list of `n`, `n + 1` and `n + 2`. */
  readonly returnsThree: string;
  /** Yields `n` and `n + 1`. */
  readonly generates: string;
  /** Sends `n + 1` to the side output `low` and the text `up` to `high`, and returns `n`. */
  readonly usesSides: string;
  /** Sends its event to the side output `other`. */
  readonly usesUnknownSide: string;
  /** Throws an error `not two` in its third line when `n` is 2, else returns its event. */
  readonly throwsOnTwo: string;
  /** Throws an AckException `done` when `n` is 1, and one that does not ack, with its payload as it is, when `n` is 2. */
  readonly throwsAckException: string;
  /** Requests an ack for each second record, and returns its event. */
  readonly acksEverySecond: string;
  /** Waits until the file `gate` of its meta exists if `n` is 1, requests an ack, and returns nothing. */
  readonly acksWhenOpen: string;
  /** Returns nothing; its finish requests an ack and gives the number 9. */
  readonly acksAtTheEnd: string;
  /** Makes a record of the side output `low`, logs it as JSON, sets `n` and sends it. */
  readonly makesSideRecord: string;
  /** Deletes the file that was downloaded for it, and one that does not exist. */
  readonly flushes: string;
  /** Logs the name of the class of `at`, and of `price`, and returns its event. */
  readonly namesClasses: string;
  /** Returns a text as `n` when `n` is 2, else its event. */
  readonly misfitsOnTwo: string;
  /** Returns `text` twice in a row. */
  readonly doubles: string;
  /** Logs `<flow> <function> <path of the download> <size in the metadata of the download>`, without a download `none`. */
  readonly describes: string;
  /** Logs the trace parent of the record, without one `none`. */
  readonly traces: string;
  /** Prints `one`, logs `two` as a warning and `three` as an error, sends a heartbeat, and returns its event. */
  readonly logs: string;
  /** Logs `began <n>`, waits without blocking until the file `gate` of its meta exists, and returns its event. */
  readonly waits: string;
  /** Puts `n`, `n + 1` and `n + 2` into its queue. */
  readonly streams: string;
  /** Puts its event into its queue, and throws. */
  readonly failsAfterPut: string;
  /** A source that yields 0 to 599. */
  readonly isGenerator: string;
  /** A source that returns 1 and 2, then 3, then nothing. */
  readonly returnsLists: string;
  /** A source that returns a list of 1, two records that do not fit, and 4. */
  readonly listsMisfits: string;
  /** A source that yields 1, a record that does not fit, and 3. */
  readonly yieldsMisfit: string;
  /** A source that yields a record with NaN as `n`. */
  readonly yieldsNaN: string;
  /** A source that yields one record three times, with 1, 2 and 3 in it. */
  readonly yieldsSameRecord: string;
  /** A program of a source: writes 1 and 2 together, logs `stored`, writes a record that does not fit, and 3. */
  readonly writes: string;
  /** A program of a source that writes 1, and waits for ever. */
  readonly writesOnce: string;
  /** A program of a source that begins to write one record three times, with 1, 2 and 3 in it, and closes its sink. */
  readonly writesSameRecord: string;
  /** A program of a source that closes its sink, and waits for a SIGTERM, after which it logs `cleaned up`. */
  readonly closesAndWaits: string;
  /** A program of a source that logs what it may not do: write to other topics, build another function's sink. */
  readonly writesWrong: string;
  /** A source that yields 1, and throws an error `dry`. */
  readonly runsDry: string;
  /** Processes numbers without outputs; its finish gives their sum and, as a second record, their count. */
  readonly totals: string;
  /** Its finish throws `not yet`, then gives 1 and a record that does not fit, then 3. */
  readonly failsToFinish: string;
  /** Cannot be parsed because of its second line. */
  readonly doesNotParse: string;
  /** Throws in its second line as it is loaded. */
  readonly throwsOnLoad: string;
  /** Defines only a function of another name. */
  readonly hasNoRun: string;
}

/** What the suite needs to test the host of a language. */
export interface HostFixture {
  readonly code: HostCode;
  /** A module whose `run` returns `n` plus a number that the module imports from a file beside it. */
  readonly module: { readonly file: string; readonly files: { readonly [name: string]: string } };
  /** The classes of an instant and of a decimal, without and with logical types. */
  readonly classes: { readonly base: readonly string[]; readonly logical: readonly string[] };
  /** The name of the errors that `throwsOnTwo` throws. */
  readonly errorType: string;
  /** Matches a trace or message that names this line of the code. */
  readonly names: (line: number) => RegExp;
  /** Code that logs the id of its process as it is loaded. `OnTwo`: when `n` is 2; else it returns its event. */
  readonly process: {
    /** Exits with status 3; as the process ends otherwise, logs `closed`. */
    readonly exits: string;
    /** Sends a heartbeat, and never returns. */
    readonly hangs: string;
    /** Exits with status 0. */
    readonly exitsOnTwo: string;
    /** Kills itself. */
    readonly diesOnTwo: string;
    /** Never returns. */
    readonly hangsOnTwo: string;
    /** Writes text to the descriptor of the frames, and waits without end. */
    readonly writesOnTwo: string;
    /** Writes text to the descriptor of its input, and waits without end. */
    readonly writesToInputOnTwo: string;
    /** Closes the descriptor of the frames, and waits without end. */
    readonly closesOnTwo: string;
    /** Throws an error of two million letters `x`. */
    readonly throwsLongOnTwo: string;
    /** Starts a process that waits without end, logs its id, and waits for it. */
    readonly startsOnTwo: string;
    /** Prints a million letters `x` without a newline, in pieces of ten. */
    readonly printsOnTwo: string;
    /** Yields its event without end. */
    readonly yieldsForever: string;
  };
}
