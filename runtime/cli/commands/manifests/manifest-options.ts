import { setOption } from '../../frame/shared-options';
import { flag, natsUrls, option, text } from '../../frame/values';

/** Options of every command that renders manifests. */
export const manifestOptions = {
  set: setOption,
  image: option('<image>', 'image of the runtime, for functions without one (default: kflow:latest)', { parse: text }),
  natsUrl: option('<url>', 'address of NATS as pods reach it (default: nats://nats.nats.svc:4222)', {
    parse: natsUrls,
  }),
  strictSecrets: flag('reject topologies that contain the value of a secret'),
} as const;
