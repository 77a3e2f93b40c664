import { Logger } from '@nestjs/common';
import { describe, expect, it, vi } from 'vitest';
import { BullMqEventPublisher } from './bullmq-event-publisher';

const event = { type: 'order.created', tenantId: 'harbour', payload: { id: '1' } } as const;

describe('BullMqEventPublisher', () => {
  it('queues the event under its type', async () => {
    const queue = { add: vi.fn(), close: vi.fn() };

    await new BullMqEventPublisher(queue).publish(event);

    expect(queue.add).toHaveBeenCalledWith('order.created', event, expect.anything());
  });

  it('passes on a failure of the queue', async () => {
    Logger.overrideLogger(false);
    const add = vi.fn(() => {
      throw new Error('connection lost');
    });

    const publishing = new BullMqEventPublisher({ add, close: vi.fn() }).publish(event);

    await expect(publishing).rejects.toThrow('connection lost');
  });
});
