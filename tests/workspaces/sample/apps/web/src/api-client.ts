export interface OrderSummary {
  id: string;
  number: string;
  status: string;
  totalCents: number;
  currency: string;
}

/** Reads the order list with the token of the signed-in tenant. */
export async function fetchOrders(accessToken: string): Promise<OrderSummary[]> {
  const response = await fetch('/v1/orders', {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  if (!response.ok) throw new Error(`The order list answered ${response.status}`);
  return response.json();
}
