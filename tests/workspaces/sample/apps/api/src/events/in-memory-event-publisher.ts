import type { DomainEvent, EventPublisher } from './event-publisher';

/** Keeps events in a list, for tests and for running without Redis. */
export class InMemoryEventPublisher implements EventPublisher {
  readonly events: DomainEvent[] = [];

  async publish(event: DomainEvent): Promise<void> {
    this.events.push(event);
  }

  /** The types published for a tenant, oldest first. */
  typesFor(tenantId: string): string[] {
    return this.events.filter((event) => event.tenantId === tenantId).map((event) => event.type);
  }
}
