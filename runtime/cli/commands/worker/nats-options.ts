import { natsDomain, natsUrls, option, text } from '../../frame/values';

/** Where the tasks come from. */
export const natsOptions = {
  natsUrl: option('<url>', 'address of NATS (default: that of kflow up, else KFLOW_NATS_URL)', { parse: natsUrls }),
  natsCredentials: option('<dir>', 'folder of the credentials of NATS', { parse: text }),
  natsDomain: option('<name>', 'JetStream domain', { parse: natsDomain }),
} as const;
