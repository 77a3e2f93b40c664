import { StatusBadge } from '@stockroom/ui';
import { type OrderSummary, fetchOrders } from './api-client';

customElements.define('status-badge', StatusBadge);

function row(order: OrderSummary): HTMLLIElement {
  const money = new Intl.NumberFormat('en', { style: 'currency', currency: order.currency });
  const badge = document.createElement('status-badge');
  badge.setAttribute('status', order.status);
  const item = document.createElement('li');
  item.append(order.number, ' ', badge, ' ', money.format(order.totalCents / 100));
  return item;
}

async function show(list: HTMLElement): Promise<void> {
  const orders = await fetchOrders(sessionStorage.getItem('accessToken') ?? '');
  list.replaceChildren(...orders.map(row));
}

const list = document.querySelector<HTMLElement>('#orders');
if (list) void show(list);
