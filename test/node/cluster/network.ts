/** The network of the pods, which exists in the namespace of the node only, so its addresses cannot collide with others. */
export const bridge = 'kflow0';
export const hostAddress = '10.88.0.1';
export const podAddresses = '10.88.0.0/16';
export const prefixLength = 16;
export const clusterDomain = 'cluster.local';
