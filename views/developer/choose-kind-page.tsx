import { paths } from '../layout/paths.ts'
import { WidePage } from '../layout/wide-page.tsx'
import { usePage } from '../page-context.ts'
import { applicationKinds } from './client.ts'

/** The first step of registering a client: the one question that decides all settings. */
export function ChooseKindPage() {
  const words = usePage().messages.clients
  return (
    <WidePage
      title={words.newTitle}
      lead={words.newLead}
      current="clients"
      trail={[{ href: paths.clients, label: words.title }]}
    >
      <ul class="tiles">
        {applicationKinds.map(kind => (
          <li key={kind} class="card tile">
            <a href={`${paths.clients}/new?kind=${kind}`}>{words.kinds[kind].name}</a>
            <p class="hint">{words.kinds[kind].what}</p>
          </li>
        ))}
      </ul>
    </WidePage>
  )
}
