import type { ObjectStoreEndpoint, SinkConnector } from '../connector';
import { bulkFormat } from './bulk-format';
import { BulkObjects } from './bulk-objects';
import { RecordObjects } from './record-objects';

export const connector: SinkConnector<ObjectStoreEndpoint> = {
  open: async (context) => {
    const { bulk, format } = context.spec;
    if (bulk === undefined) return new RecordObjects(context);
    return new BulkObjects(context, bulkFormat(format), await context.bulkLog());
  },
};
