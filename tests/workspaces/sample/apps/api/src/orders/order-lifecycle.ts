import type { OrderStatus } from '@stockroom/database';
import { ConflictError } from '../shared/errors';

const NEXT: Record<OrderStatus, OrderStatus[]> = {
  open: ['confirmed', 'cancelled'],
  confirmed: ['shipped', 'cancelled'],
  shipped: [],
  cancelled: ['open'],
};

/** Refuses a change of status that the lifecycle does not know. */
export function assertMove(from: OrderStatus, to: OrderStatus): void {
  if (!NEXT[from].includes(to)) {
    throw new ConflictError(`A ${from} order cannot become ${to}`, 'ORDER_MOVE_REFUSED', { from, to });
  }
}
