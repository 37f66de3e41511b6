/** `/account/tokens`: where people make and look after their personal access tokens. Mounted by app.ts. */
import { Router } from '@koa/router'
import { paths } from '../../views/layout/paths.ts'
import { findAccountStanding } from '../accounts/account-directory.ts'
import type { SignedIn } from '../accounts/signed-in.ts'
import type { Config } from '../config.ts'
import type { State } from '../http/context.ts'
import { scopesOfAccount } from '../resources/permission.ts'
import { type MintedPagesDeps, mountMintedPages } from './minted-pages.tsx'
import { choosableScopes } from './minted-view.ts'

export interface TokenPagesDeps extends MintedPagesDeps {
  readonly config: MintedPagesDeps['config'] &
    Pick<Config, 'personalAccessTokenLifetime' | 'personalAccessTokenMaxLifetime'>
}

export function createTokenPages(deps: TokenPagesDeps): Router<State> {
  const { db, config, resources } = deps
  const router = new Router<State>()

  async function choices({ account }: SignedIn) {
    const standing = await findAccountStanding(db, account.id)
    if (!standing) return []
    return choosableScopes(
      (await resources.list()).map(resource => ({ resource, allowed: scopesOfAccount(standing, resource) })),
    )
  }

  mountMintedPages(router, deps, {
    kind: 'personal-access-token',
    route: paths.tokens,
    expiry: {
      usual: config.personalAccessTokenLifetime,
      longest: config.personalAccessTokenMaxLifetime,
    },
    open: async (_ctx, person) => ({
      frame: { words: 'tokens', current: 'tokens', base: paths.tokens, trail: [] },
      owner: { type: 'account', id: person.account.id },
      canCreate: true,
      checkMayChange: () => undefined,
      canRelease: true,
      choices: () => choices(person),
    }),
  })
  return router
}
