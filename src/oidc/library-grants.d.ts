// A file of the library that its types do not describe (lib/helpers/grants.js): what its own grants are made of.
declare module 'oidc-provider/lib/helpers/grants.js' {
  import type { KoaContextWithOIDC, Provider } from 'oidc-provider'

  /** A proof that was good for this request, and is not spent yet. */
  export interface ShownDpop {
    readonly thumbprint: string
    readonly jti: string
  }

  /** @throws errors.InvalidDpopProof, errors.UseDpopNonce */
  export function validateDpop(provider: Provider, ctx: KoaContextWithOIDC): Promise<ShownDpop | undefined>
  /** Spends it. @throws errors.InvalidGrant */
  export function checkDpopReplay(
    provider: Provider,
    ctx: KoaContextWithOIDC,
    dpop: ShownDpop | undefined,
    clientId: string,
  ): Promise<void>
  /** @throws errors.InvalidGrant for a client whose tokens have to be bound */
  export function checkDpopRequired(
    provider: Provider,
    ctx: KoaContextWithOIDC,
    dpop: ShownDpop | undefined,
  ): void
  /** The certificate that the client's tokens have to be bound to. @throws errors.InvalidGrant when there is none */
  export function checkMtlsCert(provider: Provider, ctx: KoaContextWithOIDC): unknown
}
