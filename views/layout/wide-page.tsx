import type { ComponentChildren } from 'preact'
import { Document } from './document.tsx'
import { Flash } from './flash.tsx'
import { type CurrentPage, Header } from './header.tsx'

export interface WidePageProps {
  title: string
  lead?: ComponentChildren | undefined
  current?: CurrentPage | undefined
  children: ComponentChildren
}

/** The shell of pages one stays on: account, administration, home. */
export function WidePage({ title, lead, current, children }: WidePageProps) {
  return (
    <Document title={title} layout="wide">
      <Header current={current} />
      <main id="content" tabIndex={-1}>
        <Flash />
        <div class="page-heading">
          <h1>{title}</h1>
          {lead ? <p class="lead">{lead}</p> : null}
        </div>
        {children}
      </main>
    </Document>
  )
}
