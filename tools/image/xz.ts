import { XzReadableStream } from 'xz-decompress';

/** The content of an xz file, without the system's `xz`. */
export async function decompressXz(compressed: Uint8Array): Promise<Buffer> {
  const input = new Blob([new Uint8Array(compressed)]).stream();
  return Buffer.from(await new Response(new XzReadableStream(input)).arrayBuffer());
}
