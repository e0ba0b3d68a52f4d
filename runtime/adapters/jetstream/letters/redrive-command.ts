import { z } from 'zod';

const commandSchema = z.object({
  /** Id of the redrive. */
  redrive: z.string(),
  /** Sequence of the letter in the stream of dead letters. */
  letter: z.int().positive(),
  by: z.string(),
  /** ISO time of the request. */
  at: z.string(),
  comment: z.string().optional(),
  /** The letter is not processed before this time, ms since 1970: that is the rate. */
  notBeforeMs: z.number().optional(),
});

/** A message of the stream of redrives: process this letter again. */
export type RedriveCommand = z.infer<typeof commandSchema>;

export function encodeCommand(command: RedriveCommand): Uint8Array {
  return Buffer.from(JSON.stringify(command));
}

/** Undefined when the message is not a command. */
export function parseCommand(payload: Uint8Array): RedriveCommand | undefined {
  try {
    return commandSchema.safeParse(JSON.parse(Buffer.from(payload).toString())).data;
  } catch {
    return undefined;
  }
}
