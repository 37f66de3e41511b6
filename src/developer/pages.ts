/** The pages of this room, in one router. Mounted by app.ts. */
import { Router } from '@koa/router'
import type { State } from '../http/context.ts'
import { mountCertificatePages } from './certificate-pages.tsx'
import { mountClientPages } from './client-pages.tsx'
import { mountClientSecretPages } from './client-secret-pages.tsx'
import { mountKeyPages } from './key-pages.tsx'
import type { DeveloperPagesDeps } from './page-deps.ts'
import { mountResourcePages } from './resource-pages.tsx'
import { mountRevokeClientPages } from './revoke-client-pages.tsx'
import { mountSigningSecretPages } from './signing-secret-pages.tsx'

export function createDeveloperPages(deps: DeveloperPagesDeps): Router<State> {
  const router = new Router<State>()
  mountClientPages(router, deps)
  mountClientSecretPages(router, deps)
  mountRevokeClientPages(router, deps)
  mountKeyPages(router, deps)
  mountSigningSecretPages(router, deps)
  mountCertificatePages(router, deps)
  mountResourcePages(router, deps)
  return router
}
