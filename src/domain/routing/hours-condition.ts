import type { Condition } from './condition.ts'
import type { Hours } from './route.ts'
import { zoneClock } from './zone-clock.ts'

/** The daily window; none where there is none. Throws RangeError on an unknown time zone. */
export function hoursCondition(hours: Hours | undefined): readonly Condition[] {
  if (hours === undefined) return []
  const { fromMinute, toMinute, zone, days } = hours
  const clock = zoneClock(zone)
  const isOn = (day: number): boolean => days === undefined || days.includes(day)
  return [
    {
      field: 'hours',
      expected: `${clockText(fromMinute)}-${clockText(toMinute)} in ${zone}${days === undefined ? '' : ` on days ${days.join(', ')}`}`,
      holds: ({ facts }) => {
        const { minute, day } = clock(facts.at)
        if (fromMinute < toMinute) return minute >= fromMinute && minute < toMinute && isOn(day)
        // Past midnight the window is still that of the day on which it began.
        return (minute >= fromMinute && isOn(day)) || (minute < toMinute && isOn(day === 1 ? 7 : day - 1))
      },
      found: ({ facts }) => {
        const { minute, day } = clock(facts.at)
        return `${clockText(minute)} on day ${day}`
      },
    },
  ]
}

function clockText(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
}
