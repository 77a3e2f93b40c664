import { randomBytes } from 'node:crypto';

/** A number people can read out on the phone: date and four random hex digits. */
export function newOrderNumber(now: Date): string {
  const day = now.toISOString().slice(0, 10).replaceAll('-', '');
  return `SO-${day}-${randomBytes(2).toString('hex').toUpperCase()}`;
}
