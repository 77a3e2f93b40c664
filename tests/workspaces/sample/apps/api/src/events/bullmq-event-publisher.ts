import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Queue } from 'bullmq';
import type { DomainEvent, EventPublisher } from './event-publisher';

type EventQueue = Pick<Queue<DomainEvent>, 'add' | 'close'>;

/** Hands events to a Redis queue that the workers read. */
export class BullMqEventPublisher implements EventPublisher, OnApplicationShutdown {
  private readonly logger = new Logger(BullMqEventPublisher.name);

  constructor(private readonly queue: EventQueue) {}

  static connect(redisUrl: string): BullMqEventPublisher {
    return new BullMqEventPublisher(new Queue('events', { connection: { url: redisUrl } }));
  }

  async publish(event: DomainEvent): Promise<void> {
    try {
      await this.queue.add(event.type, event, { attempts: 5, removeOnComplete: true });
    } catch (error) {
      this.logger.error(`${event.type} of tenant ${event.tenantId} was not queued`);
      throw error;
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.queue.close();
  }
}
