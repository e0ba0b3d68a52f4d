import type { FastifyReply, FastifyRequest } from 'fastify';

/** The items of a page; the headers of the response say where the next page starts. */
export function sendPage<T>(reply: FastifyReply, items: readonly T[], next: string | undefined): T[] {
  if (next !== undefined) {
    reply.header('kflow-continue', next).header('link', nextLink(reply.request, { continue: next }));
  }
  return [...items];
}

/** `Link` of the same request with other parameters. */
export function nextLink({ url }: FastifyRequest, parameters: { readonly [name: string]: string }): string {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  for (const [name, value] of Object.entries(parameters)) searchParams.set(name, value);
  return `<${pathname}?${searchParams}>; rel="next"`;
}
