import { Time } from '../layout/time.tsx'
import { usePage } from '../page-context.ts'
import type { ShownCertificates } from './client.ts'

/** The certificates of a client that shows one instead of sending a secret, or the name by which it is known. */
export function OwnCertificates({ certificates }: { certificates: ShownCertificates }) {
  const words = usePage().messages.clients
  const { registered, uri, name } = certificates
  const note = name
    ? words.certificateNamed
    : uri === undefined
      ? words.certificatesNote
      : words.certificatesAt
  return (
    <section aria-labelledby="own-certificates">
      <div class="section-heading">
        <h2 id="own-certificates">{words.certificatesTitle}</h2>
        <p class="hint">{note}</p>
      </div>
      <ul class="card rows">
        {name ? (
          <li>
            <span class="row-text">
              <code>{name.value}</code>
            </span>
            <span class="hint">{words.form.certificateNames[name.kind]}</span>
          </li>
        ) : null}
        {uri === undefined ? null : (
          <li>
            <code>{uri}</code>
          </li>
        )}
        {registered.map(({ thumbprint, notAfter }) => (
          <li key={thumbprint}>
            <span class="row-text">
              <code>{thumbprint}</code>
            </span>
            <span class="hint">
              {words.certificateUntil} <Time value={notAfter} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}
