const LABELS: Record<string, string> = {
  open: 'Open',
  confirmed: 'Confirmed',
  shipped: 'Shipped',
  cancelled: 'Cancelled',
};

/** `<status-badge status="open">`: the status of an order as a coloured word. */
export class StatusBadge extends HTMLElement {
  static readonly observedAttributes = ['status'];

  attributeChangedCallback(_name: string, _before: string | null, status: string | null): void {
    this.textContent = LABELS[status ?? ''] ?? 'Unknown';
    this.dataset.status = status ?? 'unknown';
  }
}
