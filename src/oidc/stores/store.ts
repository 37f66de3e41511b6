/**
 * One store per provider model, each in a file of its own. A store does only what its model can do: what the
 * library never calls is refused loudly.
 */
import type { Adapter, AdapterPayload } from 'oidc-provider'

export type Store = Pick<Adapter, 'find' | 'upsert'> & Partial<Adapter>

const refuse = (model: string, operation: string) => () =>
  Promise.reject(new Error(`${model} has no ${operation} in this server`))

/** Completes a store to the library's Adapter interface. */
export function toAdapter(model: string, store: Store): Adapter {
  return {
    findByUid: refuse(model, 'findByUid'),
    findByUserCode: refuse(model, 'findByUserCode'),
    consume: refuse(model, 'consume'),
    destroy: refuse(model, 'destroy'),
    // A token is alive only while its grant is: ending the grant (Grant.destroy) is what ends its tokens.
    revokeByGrantId: async () => undefined,
    ...store,
  }
}

/** A copy without what other columns already say. */
export function without<K extends string>(
  payload: AdapterPayload,
  ...names: readonly K[]
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(payload).filter(([name]) => !(names as readonly string[]).includes(name)),
  )
}
