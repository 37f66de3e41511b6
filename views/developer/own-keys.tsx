import { usePage } from '../page-context.ts'
import type { ShownKeys } from './client.ts'

/** The public keys of a client that signs instead of sending a secret. */
export function OwnKeys({ keys: { keys, uri, alg } }: { keys: ShownKeys }) {
  const words = usePage().messages.clients
  return (
    <section aria-labelledby="own-keys">
      <div class="section-heading">
        <h2 id="own-keys">{words.keysTitle}</h2>
        <p class="hint">{uri === undefined ? words.ownKeysNote : words.ownKeysAt}</p>
      </div>
      <ul class="card rows">
        {uri === undefined ? null : (
          <li>
            <code>{uri}</code>
          </li>
        )}
        {keys.map(({ kid, type }, index) => (
          <li key={index}>
            <span class="row-text">
              {kid === undefined ? <span class="hint">{words.noKid}</span> : <code>{kid}</code>}
            </span>
            <span class="hint">{type}</span>
          </li>
        ))}
      </ul>
      {alg === undefined ? null : <p class="hint">{words.onlyAlg(<code key="alg">{alg}</code>)}</p>}
    </section>
  )
}
