/** Whether a text is `host`, `host:port` or a URL of one, with a port that exists and a host that may. */
export function isAddress(text: string): boolean {
  const match = /^(?:\w+:\/\/)?(\[[0-9a-fA-F:]+\]|[^\s/:@[\]]+)(?::(\d{1,5}))?(?:\/\S*)?$/.exec(text);
  if (match === null) return false;
  const [, host = '', port] = match;
  const isPort = port === undefined || (Number(port) >= 1 && Number(port) <= 65_535);
  const isNumbers = /^\d+(\.\d+){3}$/.test(host);
  return isPort && (!isNumbers || host.split('.').every((part) => Number(part) <= 255));
}
