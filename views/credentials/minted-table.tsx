import { Codes, RowName } from '../admin/row-name.tsx'
import { DataTable } from '../layout/data-table.tsx'
import { Time } from '../layout/time.tsx'
import { type Minted, type MintedFrame, mintedPath, useMintedWords } from './minted.tsx'
import { Expiry, LastUsed, StateBadge } from './minted-state.tsx'

export function MintedTable({ frame, items }: { frame: MintedFrame; items: Minted[] }) {
  const words = useMintedWords(frame)
  return (
    <DataTable
      caption={words.title}
      rows={items}
      rowKey={item => item.id}
      columns={[
        {
          heading: words.columns.name,
          cell: item => (
            <RowName name={item.name} identifier={item.masked} href={mintedPath(frame, item.id)} />
          ),
        },
        { heading: words.columns.scopes, cell: item => <Codes values={scopeNames(item)} none="" /> },
        { heading: words.columns.status, cell: item => <StateBadge state={item.state} /> },
        {
          heading: words.columns.lastUsed,
          cell: item => <LastUsed lastUsed={item.lastUsed && { ...item.lastUsed, userAgent: undefined }} />,
        },
        {
          heading: words.columns.expires,
          cell: item =>
            item.revokedAt ? (
              <span class="hint">{words.endedAt(<Time key="time" value={item.revokedAt} />)}</span>
            ) : (
              <Expiry expiresAt={item.expiresAt} />
            ),
        },
      ]}
    />
  )
}

/** Which resource each is of stands on the page of the item. */
const scopeNames = ({ scopes }: Minted) => [
  ...new Set(scopes.flatMap(group => group.scopes.map(scope => scope.value))),
]
