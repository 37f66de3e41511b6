import type { ComponentChildren } from 'preact'

export interface Detail {
  term: string
  value: ComponentChildren
  /** long: takes the whole line where details share one */
  whole?: boolean | undefined
}

/** Terms and their values, side by side where there is room. */
export function DetailsList({ details }: { details: (Detail | undefined)[] }) {
  return (
    <dl class="details">
      {details.map(detail =>
        detail ? (
          <div key={detail.term} class={detail.whole ? 'whole' : undefined}>
            <dt>{detail.term}</dt>
            <dd>{detail.value}</dd>
          </div>
        ) : null,
      )}
    </dl>
  )
}
