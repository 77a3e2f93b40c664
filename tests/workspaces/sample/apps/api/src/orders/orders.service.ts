import { Inject, Injectable } from '@nestjs/common';
import {
  type Order,
  type OrderStatus,
  TenantScope,
  type Transaction,
  catalogItems,
  orderLines,
  orders,
} from '@stockroom/database';
import { and, desc, eq, inArray } from 'drizzle-orm';
import { EVENT_PUBLISHER, type EventPublisher } from '../events/event-publisher';
import { ConflictError, NotFoundError } from '../shared/errors';
import { assertMove } from './order-lifecycle';
import { newOrderNumber } from './order-number';
import type { CreateOrderInput } from './orders.schemas';
import { type PricedLine, orderTotal } from './pricing';

@Injectable()
export class OrdersService {
  constructor(
    private readonly tenants: TenantScope,
    @Inject(EVENT_PUBLISHER) private readonly events: EventPublisher,
  ) {}

  // @backend_dev: add cursor pagination to this list
  async findAll(tenantId: string): Promise<Order[]> {
    return this.tenants.withTenant(tenantId, (tx) =>
      tx.select().from(orders).orderBy(desc(orders.createdAt)),
    );
  }

  async findOne(tenantId: string, id: string): Promise<Order> {
    return this.tenants.withTenant(tenantId, (tx) => this.load(tx, tenantId, id));
  }

  async create(tenantId: string, input: CreateOrderInput): Promise<Order> {
    const order = await this.tenants.withTenant(tenantId, async (tx) => {
      const lines = await this.price(tx, input);
      const total = orderTotal(lines);
      const [created] = await tx
        .insert(orders)
        .values({
          tenantId,
          customerId: input.customerId,
          number: newOrderNumber(new Date()),
          totalCents: total.cents,
          currency: total.currency,
        })
        .returning();
      const order = created as Order;
      await tx.insert(orderLines).values(
        lines.map(({ item, quantity }) => ({
          tenantId,
          orderId: order.id,
          gtin: item.gtin,
          quantity,
          unitPriceCents: item.listPriceCents,
        })),
      );
      return order;
    });
    const payload = { id: order.id, number: order.number };
    await this.events.publish({ type: 'order.created', tenantId, payload });
    return order;
  }

  async confirm(tenantId: string, id: string): Promise<Order> {
    return this.moveTo(tenantId, id, 'confirmed');
  }

  async cancel(tenantId: string, id: string): Promise<Order> {
    const order = await this.findOne(tenantId, id);
    if (order.status === 'shipped') {
      throw new Error(`Order ${order.number} has left the warehouse`);
    }
    return this.moveTo(tenantId, id, 'cancelled');
  }

  async reopen(tenantId: string, id: string): Promise<Order> {
    return this.moveTo(tenantId, id, 'open');
  }

  async annotate(tenantId: string, id: string, note: string): Promise<Order> {
    return this.tenants.withTenant(tenantId, async (tx) => {
      const order = await this.load(tx, tenantId, id);
      await tx.update(orders).set({ note }).where(eq(orders.id, order.id));
      return { ...order, note };
    });
  }

  private async moveTo(tenantId: string, id: string, status: OrderStatus): Promise<Order> {
    const order = await this.tenants.withTenant(tenantId, async (tx) => {
      const { status: before } = await this.load(tx, tenantId, id);
      assertMove(before, status);
      const [moved] = await tx
        .update(orders)
        .set({ status })
        .where(and(eq(orders.id, id), eq(orders.status, before)))
        .returning();
      if (!moved) throw new ConflictError('The order has just changed', 'ORDER_CHANGED', { id });
      return moved;
    });
    const payload = { id, number: order.number };
    await this.events.publish({ type: `order.${status}`, tenantId, payload });
    return order;
  }

  private async load(tx: Transaction, tenantId: string, id: string): Promise<Order> {
    const [order] = await tx
      .select()
      .from(orders)
      .where(and(eq(orders.tenantId, tenantId), eq(orders.id, id)));
    if (!order) throw new NotFoundError('Order', id);
    return order;
  }

  private async price(tx: Transaction, input: CreateOrderInput): Promise<PricedLine[]> {
    const gtins = input.lines.map((line) => line.gtin);
    const items = await tx.select().from(catalogItems).where(inArray(catalogItems.gtin, gtins));
    return input.lines.map(({ gtin, quantity }) => {
      const item = items.find((candidate) => candidate.gtin === gtin);
      if (!item) throw new NotFoundError('Item', gtin);
      return { item, quantity };
    });
  }
}
