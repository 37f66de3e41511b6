import { ButtonLink } from '../layout/button.tsx'
import { EmptyState } from '../layout/empty-state.tsx'
import { Pager } from '../layout/pager.tsx'
import { WidePage } from '../layout/wide-page.tsx'
import { type Minted, type MintedFrame, useMintedWords } from './minted.tsx'
import { MintedTable } from './minted-table.tsx'

export interface MintedListPageProps {
  frame: MintedFrame
  items: Minted[]
  /** may make new ones */
  canCreate: boolean
  /** the address of the next page of the list */
  older?: string | undefined
  /** not the first page of the list */
  later: boolean
}

export function MintedListPage({ frame, items, canCreate, older, later }: MintedListPageProps) {
  const words = useMintedWords(frame)
  const create = canCreate ? <ButtonLink href={`${frame.base}/new`}>{words.create}</ButtonLink> : undefined
  const isEmpty = items.length === 0 && !later
  return (
    <WidePage
      title={words.title}
      lead={words.lead}
      current={frame.current}
      trail={frame.trail.length > 0 ? frame.trail : undefined}
      actions={isEmpty ? undefined : create}
    >
      {isEmpty ? (
        <EmptyState title={words.empty} action={create}>
          {words.emptyNote}
        </EmptyState>
      ) : (
        <MintedTable frame={frame} items={items} />
      )}
      <Pager first={frame.base} older={older} later={later} />
    </WidePage>
  )
}
