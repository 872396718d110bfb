import type { Json } from '../model/json.ts'
import type { AggregateName } from './ast.ts'
import { compare } from './compile.ts'

/** What one aggregate of one group came to so far. */
export interface Running {
  add(value: Json | undefined): void
  /** `undefined` where there was nothing to count with. */
  result(): Json | undefined
}

/** Starts an aggregate. Values that it cannot count with are passed over. */
export function startAggregate(name: AggregateName): Running {
  let count = 0
  let sum = 0
  let extreme: Json | undefined
  switch (name) {
    case 'count':
      return {
        add: () => {
          count += 1
        },
        result: () => count,
      }
    case 'sum':
    case 'avg':
      return {
        add(value) {
          if (typeof value !== 'number') return
          count += 1
          sum += value
        },
        result: () => (count === 0 ? undefined : name === 'sum' ? sum : sum / count),
      }
    case 'min':
    case 'max': {
      const wanted = name === 'min' ? -1 : 1
      return {
        add(value) {
          if (value === undefined || value === null || typeof value === 'object') return
          const order = extreme === undefined ? wanted : compare(value, extreme)
          if (order !== undefined && Math.sign(order) === wanted) extreme = value
        },
        result: () => extreme,
      }
    }
  }
}
