/** How a controller's nats is set up, as far as it decides who can read what. */
export interface NatsSetUp {
  /** The server asks for no login. */
  readonly isOpen: boolean;
  /** All namespaces share one account of nats. */
  readonly isShared: boolean;
}

/**
 * What others can do with the data in a nats, for the log of the controller, `kflow doctor` and docs/controller.md;
 * undefined if namespaces are kept apart.
 */
export function natsExposure({ isOpen, isShared }: NatsSetUp): string | undefined {
  if (isOpen) {
    return 'nats asks for no login: whoever reaches it can read, change and delete the records of every flow and the data of the controller; documents are sealed';
  }
  if (!isShared) return undefined;
  return 'all namespaces share one account of nats: the code of every flow can read, change and delete the records of all flows and the data of the controller; documents are sealed';
}
