// Shows the copy buttons, which are hidden without JavaScript, and lets them copy the text they name.
for (const button of document.querySelectorAll('button[data-copy]')) {
  const source = document.getElementById(button.dataset.copy)
  if (!source || !navigator.clipboard) continue
  const label = button.querySelector('[data-copy-label]')
  const before = label.textContent
  let timer
  button.hidden = false
  button.addEventListener('click', async () => {
    let after = button.dataset.copied
    try {
      await navigator.clipboard.writeText(source.textContent)
    } catch {
      getSelection().selectAllChildren(source)
      after = button.dataset.failed
    }
    label.textContent = after
    clearTimeout(timer)
    timer = setTimeout(() => {
      label.textContent = before
    }, 4000)
  })
}
