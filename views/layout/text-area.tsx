import { described, Labelled, type LabelledProps } from './labelled.tsx'

export interface TextAreaProps extends LabelledProps {
  value: string
  rows?: number | undefined
  autoFocus?: boolean | undefined
}

/** Several lines, for lists with one entry per line. */
export function TextArea(props: TextAreaProps) {
  const { name, value, rows = 3, optional, required = !optional } = props
  return (
    <Labelled {...props}>
      <textarea
        name={name}
        rows={rows}
        required={required}
        autoComplete="off"
        autoCapitalize="none"
        spellcheck={false}
        {...described(name, props)}
      >
        {value}
      </textarea>
    </Labelled>
  )
}
