CREATE TABLE tenants (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL,
  api_key_hash text NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE TABLE catalog_items (
  gtin text PRIMARY KEY,
  name text NOT NULL,
  unit text NOT NULL CHECK (unit IN ('each', 'case', 'pallet')),
  list_price_cents integer NOT NULL CHECK (list_price_cents >= 0),
  currency text NOT NULL DEFAULT 'EUR'
);
--> statement-breakpoint
CREATE TABLE customers (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  name text NOT NULL,
  email text NOT NULL,
  archived_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE UNIQUE INDEX customers_tenant_email ON customers (tenant_id, email);
--> statement-breakpoint
CREATE TABLE orders (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  customer_id uuid NOT NULL REFERENCES customers (id),
  number text NOT NULL,
  status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'confirmed', 'shipped', 'cancelled')),
  note text,
  total_cents integer NOT NULL,
  currency text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE UNIQUE INDEX orders_tenant_number ON orders (tenant_id, number);
--> statement-breakpoint
CREATE TABLE order_lines (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  order_id uuid NOT NULL REFERENCES orders (id),
  gtin text NOT NULL REFERENCES catalog_items (gtin),
  quantity integer NOT NULL CHECK (quantity > 0),
  unit_price_cents integer NOT NULL
);
