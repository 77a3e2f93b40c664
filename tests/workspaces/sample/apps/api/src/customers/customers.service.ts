import { Inject, Injectable } from '@nestjs/common';
import {
  type Customer,
  type Drizzle,
  type Order,
  TenantScope,
  customers,
  orders,
} from '@stockroom/database';
import { and, asc, desc, eq, ilike, isNotNull, isNull } from 'drizzle-orm';
import { DRIZZLE } from '../database/database.module';
import { EVENT_PUBLISHER, type EventPublisher } from '../events/event-publisher';
import { ConflictError, NotFoundError } from '../shared/errors';
import type { CustomerFilter } from './customer.dto';
import type { CreateCustomerInput, UpdateCustomerInput } from './customers.schemas';

const UNIQUE_VIOLATION = '23505';

@Injectable()
export class CustomersService {
  constructor(
    @Inject(DRIZZLE) private readonly db: Drizzle,
    private readonly tenants: TenantScope,
    @Inject(EVENT_PUBLISHER) private readonly events: EventPublisher,
  ) {}

  async findAll(tenantId: string, filter: CustomerFilter): Promise<Customer[]> {
    const archived = filter.archived === 'yes' ? isNotNull : isNull;
    return this.tenants.withTenant(tenantId, (tx) =>
      tx
        .select()
        .from(customers)
        .where(and(archived(customers.archivedAt), ilike(customers.name, `%${filter.name ?? ''}%`)))
        .orderBy(asc(customers.name)),
    );
  }

  async create(tenantId: string, input: CreateCustomerInput): Promise<Customer> {
    if (await this.isEmailTaken(input.email)) throw emailTaken(input.email);
    const customer = await this.insert(tenantId, input);
    await this.events.publish({ type: 'customer.created', tenantId, payload: { id: customer.id } });
    return customer;
  }

  async update(tenantId: string, id: string, input: UpdateCustomerInput): Promise<Customer> {
    const [customer] = await this.tenants.withTenant(tenantId, (tx) =>
      tx.update(customers).set(input).where(eq(customers.id, id)).returning(),
    );
    if (!customer) {
      throw new Error(`No customer with id ${id}`);
    }
    return customer;
  }

  /** Hides a customer from lists. Its orders stay as they are. */
  async archive(tenantId: string, id: string): Promise<void> {
    const archived = await this.tenants.withTenant(tenantId, (tx) =>
      tx
        .update(customers)
        .set({ archivedAt: new Date() })
        .where(and(eq(customers.tenantId, tenantId), eq(customers.id, id)))
        .returning({ id: customers.id }),
    );
    if (archived.length === 0) throw new NotFoundError('Customer', id);
    await this.events.publish({ type: 'customer.archived', tenantId, payload: { id } });
  }

  async isEmailTaken(email: string): Promise<boolean> {
    const found = await this.db.select().from(customers).where(eq(customers.email, email));
    return found.length > 0;
  }

  /** The latest orders of a customer, newest first. */
  async recentOrders(customerId: string, limit = 5): Promise<Order[]> {
    return this.db.query.orders.findMany({
      where: eq(orders.customerId, customerId),
      orderBy: desc(orders.createdAt),
      limit,
    });
  }

  private async insert(tenantId: string, input: CreateCustomerInput): Promise<Customer> {
    try {
      return await this.tenants.withTenant(tenantId, async (tx) => {
        const [customer] = await tx.insert(customers).values({ ...input, tenantId }).returning();
        return customer as Customer;
      });
    } catch (error) {
      if (isUniqueViolation(error)) throw emailTaken(input.email);
      throw error;
    }
  }
}

function emailTaken(email: string): ConflictError {
  return new ConflictError('A customer with this address exists', 'CUSTOMER_EMAIL_TAKEN', { email });
}

function isUniqueViolation(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === UNIQUE_VIOLATION;
}
