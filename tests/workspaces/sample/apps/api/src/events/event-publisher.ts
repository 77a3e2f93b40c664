export interface DomainEvent {
  type: `${string}.${string}`;
  tenantId: string;
  payload: Record<string, unknown>;
}

/** Tells other services what happened. Publish after the transaction has committed. */
export interface EventPublisher {
  publish(event: DomainEvent): Promise<void>;
}

export const EVENT_PUBLISHER = Symbol('EVENT_PUBLISHER');
