// A file of the library that its types do not describe (lib/helpers/weak_cache.js).
declare module 'oidc-provider/lib/helpers/weak_cache.js' {
  import type { KoaContextWithOIDC, Provider } from 'oidc-provider'

  /** Sends an authorization response to the client, by way of the browser. */
  export type ResponseMode = (
    ctx: KoaContextWithOIDC,
    redirectUri: string,
    payload: Readonly<Record<string, string>>,
  ) => unknown

  /** What belongs to a provider and is not on it. */
  export default function instance(provider: Provider): {
    readonly responseModes: Map<string, ResponseMode>
    /** What it signs and verifies with. The published set was made of it before: what is added is not in there. */
    keystore: { add(key: object): void }
    DPoPNonces: { nextChallenge(): string; checkChallenge(challenge: string): boolean }
  }
}
