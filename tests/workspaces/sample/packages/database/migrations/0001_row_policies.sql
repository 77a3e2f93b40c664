CREATE ROLE stockroom_app NOLOGIN;
--> statement-breakpoint
GRANT SELECT ON tenants, catalog_items TO stockroom_app;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON customers, orders, order_lines TO stockroom_app;
--> statement-breakpoint
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE order_lines ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
CREATE POLICY customers_tenant_isolation ON customers FOR ALL TO stockroom_app
  USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
  WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
--> statement-breakpoint
CREATE POLICY orders_tenant_isolation ON orders FOR ALL TO stockroom_app
  USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
  WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
--> statement-breakpoint
CREATE POLICY order_lines_tenant_isolation ON order_lines FOR ALL TO stockroom_app
  USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
  WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
