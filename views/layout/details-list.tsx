import type { ComponentChildren } from 'preact'

export interface Detail {
  term: string
  value: ComponentChildren
}

/** Terms and their values, side by side where there is room. */
export function DetailsList({ details }: { details: (Detail | undefined)[] }) {
  return (
    <dl class="details">
      {details.map(detail =>
        detail ? (
          <div key={detail.term}>
            <dt>{detail.term}</dt>
            <dd>{detail.value}</dd>
          </div>
        ) : null,
      )}
    </dl>
  )
}
