import { described, Labelled, type LabelledProps } from './labelled.tsx'

export interface Option {
  value: string
  label: string
}

export interface SelectProps extends LabelledProps {
  value: string
  options: Option[]
  autoFocus?: boolean | undefined
}

/** One of several, where a word says enough about each. */
export function Select(props: SelectProps) {
  const { name, value, options } = props
  return (
    <Labelled {...props}>
      <select name={name} {...described(name, props)}>
        {options.map(option => (
          <option key={option.value} value={option.value} selected={option.value === value}>
            {option.label}
          </option>
        ))}
      </select>
    </Labelled>
  )
}
