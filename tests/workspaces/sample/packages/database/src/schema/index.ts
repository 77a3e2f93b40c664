export * from './catalog-items';
export * from './customers';
export * from './orders';
export * from './tenants';
