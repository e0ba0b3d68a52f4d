import { ConfigError } from '../../../lib/errors';

/** The URL of an address: `host:port`, which means http, or a URL. Throws ConfigError when it is neither. */
export function parseAddress(addr: string): string {
  const text = /^https?:\/\//.test(addr) ? addr : `http://${addr}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.search !== '' || url.hash !== '' || url.username !== '') {
    const message = `S3 address "${hidden(addr)}": must be host:port, as in minio:9000, or a URL that starts with http:// or https://`;
    throw new ConfigError('config-invalid', message, { where: hidden(addr) });
  }
  return text.replace(/\/+$/, '');
}

/** Hosts of AWS, where each region has its own: `s3.amazonaws.com`, `s3.eu-central-1.amazonaws.com`. */
const awsHost = /^s3(?:[.-](?:dualstack\.)?(?<region>[a-z]{2,}(?:-[a-z]+)+-\d+))?\.amazonaws\.com(?<china>\.cn)?$/;

/** The region that an address of AWS names. */
export function regionOfAddress(address: string): string | undefined {
  return awsHost.exec(new URL(address).hostname)?.groups?.region;
}

export function isAwsAddress(address: string): boolean {
  return awsHost.test(new URL(address).hostname);
}

/** The address for a region: AWS has one for each, other services have one for all. */
export function addressInRegion(address: string, region: string): string {
  const url = new URL(address);
  const match = awsHost.exec(url.hostname);
  if (match === null || match.groups?.region === region) return address;
  return `${url.protocol}//s3.${region}.amazonaws.com${match.groups?.china ?? ''}`;
}

function hidden(addr: string): string {
  return addr.replace(/\/\/[^/]*@/, '//***@');
}
