/** The runtime, for functions that name no image. */
export const defaultImage = 'kflow:latest';

/** When Kubernetes pulls an image. */
export const imagePullPolicies = ['Always', 'IfNotPresent', 'Never'] as const;
