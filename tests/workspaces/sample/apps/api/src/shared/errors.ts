/** A failure that callers can tell apart by its code. */
export class DomainError extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly context: Record<string, unknown> = {},
  ) {
    super(message);
    this.name = new.target.name;
  }
}

export class NotFoundError extends DomainError {
  constructor(entity: string, id: string) {
    super(`${entity} not found`, `${entity.toUpperCase()}_NOT_FOUND`, { id });
  }
}

export class ConflictError extends DomainError {}

export class ValidationError extends DomainError {
  constructor(issues: { path: PropertyKey[]; message: string }[]) {
    super('The request is not valid', 'VALIDATION_FAILED', {
      issues: issues.map(({ path, message }) => ({ path: path.join('.'), message })),
    });
  }
}
