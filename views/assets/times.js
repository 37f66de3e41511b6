// Times carry their exact UTC moment in `title`; here it is written in the reader's own time zone.
const exact = new Intl.DateTimeFormat(document.documentElement.lang, {
  dateStyle: 'long',
  timeStyle: 'long',
})
for (const time of document.querySelectorAll('time[datetime]')) {
  const moment = new Date(time.dateTime)
  if (!Number.isNaN(moment.getTime())) time.title = exact.format(moment)
}
