import { type FromPython, frameHeadLength } from './frames';

/**
 * Cuts a stream of chunks into frames. A frame that lies in one chunk is given as a view of it; one that spans chunks
 * is put together once, when its last byte has come.
 */
export class FrameReader {
  private chunks: Buffer[] = [];
  private length = 0;
  /** How much has to be there before there is something to do. */
  private awaited = frameHeadLength;

  constructor(private readonly receive: (type: FromPython, body: Buffer) => void) {}

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.length += chunk.length;
    if (this.length < this.awaited) return;
    let buffer = this.chunks.length === 1 ? chunk : Buffer.concat(this.chunks, this.length);
    while (buffer.length >= frameHeadLength) {
      const end = frameHeadLength + buffer.readUInt32BE(1);
      if (buffer.length < end) break;
      this.receive(buffer.toString('latin1', 0, 1) as FromPython, buffer.subarray(frameHeadLength, end));
      buffer = buffer.subarray(end);
    }
    this.chunks = buffer.length === 0 ? [] : [buffer];
    this.length = buffer.length;
    this.awaited = frameHeadLength + (buffer.length < frameHeadLength ? 0 : buffer.readUInt32BE(1));
  }
}
