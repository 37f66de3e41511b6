/** `/clients/:client_id/keys`: the API keys of a client, on the same pages as personal access tokens. */
import type { Router } from '@koa/router'
import { clientPath, keysPath } from '../../views/developer/client.ts'
import { paths } from '../../views/layout/paths.ts'
import { en } from '../../views/messages/en.ts'
import { mountMintedPages } from '../credentials/minted-pages.tsx'
import { choosableScopes } from '../credentials/minted-view.ts'
import type { State } from '../http/context.ts'
import { clientScopes } from '../resources/permission.ts'
import { opensClients } from './client-to-see.ts'
import { checkReach, isAllowed } from './ownership.ts'
import type { DeveloperPagesDeps } from './page-deps.ts'

export function mountKeyPages(router: Router<State>, deps: DeveloperPagesDeps): void {
  const { config, resources } = deps
  const { open } = opensClients(deps)
  mountMintedPages(router, deps, {
    kind: 'api-key',
    route: `${paths.clients}/:client_id/keys`,
    expiry: { usual: config.apiKeyLifetime, longest: config.apiKeyMaxLifetime },
    async open(ctx, person) {
      const { client, reach, canChange } = await open(ctx, person)
      const { clientId, clientName } = client
      return {
        frame: {
          words: 'keys',
          current: 'clients',
          base: keysPath(clientId),
          trail: [
            { href: paths.clients, label: en.clients.title },
            { href: clientPath(clientId), label: clientName },
          ],
        },
        owner: { type: 'client', id: clientId },
        canCreate: canChange,
        checkMayChange: () => checkReach(reach, client.organizationId, 'developer'),
        canRelease: isAllowed(reach, client.organizationId, 'owner'),
        choices: async () =>
          choosableScopes(
            (await resources.list()).map(resource => ({
              resource,
              allowed: clientScopes(client, resource),
            })),
          ),
      }
    },
  })
}
