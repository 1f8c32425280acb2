// Who asks: the tenant of a request, from a header.

import { DEFAULT_TENANT } from '../async/request.ts';
import { Fault } from '../errors/fault.ts';

/** Read when the configured header is absent, and used between our own parts. */
export const TENANT_HEADER = 'THANOS-TENANT';

export interface TenancyConfig {
  /** The header to read first. */
  readonly header: string;
  readonly defaultTenant: string;
}

export const defaultTenancy: TenancyConfig = { header: TENANT_HEADER, defaultTenant: DEFAULT_TENANT };

/**
 * The tenant of a request whose headers `header` looks up by any case. Empty or absent means the default tenant. Names
 * become directory names in the receiver, so `/`, `.` and `..` are `invalid`.
 */
export function tenantOf(header: (name: string) => string | undefined, config: TenancyConfig = defaultTenancy): string {
  const given = header(config.header) || header(TENANT_HEADER) || config.defaultTenant;
  checkTenant(given);
  return given;
}

/** Throws `invalid` for a name that could not be part of a path. */
export function checkTenant(tenant: string): void {
  if (tenant === '' || tenant === '.' || tenant === '..' || tenant.includes('/')) {
    throw new Fault('invalid', 'tenant name not valid');
  }
}
